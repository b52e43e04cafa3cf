"""Loads and COPY, timed.

What lives here: one run of each. What does not: which is the best, and the marks.
"""

import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

import polars as pl
import sqlalchemy as sa

from benchmarks.loading.files import Files
from benchmarks.loading.server import Server, cpu_s, pid_of
from ev_pipeline.intake.delivery import with_ids
from ev_pipeline.intake.job import Job
from ev_pipeline.intake.load import load_file
from ev_pipeline.intake.preparation import prepare
from ev_pipeline.intake.records import placed
from ev_pipeline.intake.stream_job import stream_job
from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline.sources.payloads.messages import DecodedRecords
from ev_pipeline.sources.reader import RecordBatch, read_batches
from ev_pipeline.stack.credentials import OWNER
from ev_pipeline.storage.engine import connect
from ev_pipeline.storage.stations import STATION_SCHEMA

_CHUNK_BYTES: Final = 1 << 18


@dataclass(frozen=True)
class Copied:
    """Seconds of one COPY with its commit, and of its PostgreSQL process."""

    seconds: float
    cpu_s: float


@dataclass(frozen=True)
class Times:
    """Seconds of one load: to the commit, to the command's end, and of the two processes."""

    committed_s: float
    whole_s: float
    python_cpu_s: float
    postgres_cpu_s: float
    write_cpu_s: float
    received: int
    stored: int


def parse_s(server: Server, files: Files) -> tuple[float, float]:
    """Seconds for reading with decoding, and for validating, with nothing stored."""
    start = time.perf_counter()
    batches = list(read_batches(files.top_up, files.mapping, received_at=now()))
    read = time.perf_counter()
    job = job_of(Settings(), files.mapping, batches[0])
    stations = pl.DataFrame(schema=STATION_SCHEMA)
    engine = connect(server.settings(OWNER.database))
    with engine.connect() as connection:
        for batch in batches:
            prepare(with_ids(connection, placed(0, batch), batch.raw, job), job, stations)
    engine.dispose()
    return read - start, time.perf_counter() - read


def first_load(server: Server, files: Files) -> Times:
    """The first file goes into the empty database `first`."""
    return _load(server.copy("first"), files.mapping, files.fill)


def top_up(server: Server, files: Files) -> Times:
    """The second file goes into `topped_up`, a copy of `first`."""
    return _load(server.copy("topped_up", "first"), files.mapping, files.top_up)


def _load(settings: Settings, mapping: Mapping, path: Path) -> Times:
    engine = connect(settings)
    with engine.connect() as connection:
        pid = pid_of(connection)  # the pool has one connection, which the load takes next
    begins: list[tuple[float, float]] = []
    before, start, python = cpu_s(pid), time.perf_counter(), time.process_time()
    sa.event.listen(engine, "begin", lambda _: begins.append((time.perf_counter(), cpu_s(pid))))
    counts = load_file(engine, settings, mapping, path).tally.counts
    committed_at, cpu_at_commit = begins[1]  # the rollups' transaction, next after the load's
    times = Times(
        committed_s=committed_at - start,
        whole_s=time.perf_counter() - start,
        python_cpu_s=time.process_time() - python,
        postgres_cpu_s=cpu_s(pid) - before,
        write_cpu_s=cpu_at_commit - before,
        received=counts.received,
        stored=counts.stored,
    )
    engine.dispose()
    return times


def copy_stored(server: Server, *, is_bare: bool) -> Copied:
    """COPY writes what a load stored, into a table without indexes or the table as it was.

    Args:
        server: the server, with the databases that `first_load` and `top_up` left.
        is_bare: whether into a table without indexes.
    """
    table = "bare" if is_bare else "ev_session"
    engine = connect(server.copy("copied", "first"))
    with tempfile.TemporaryFile() as rows:
        _write_stored(connect(server.settings("first" if is_bare else "topped_up")), rows)
        rows.seek(0)
        with engine.begin() as connection:
            connection.execute(sa.text("create table bare (like ev_session)"))
        with engine.connect() as connection:
            pid = pid_of(connection)
            before, start = cpu_s(pid), time.perf_counter()
            connection.connection.cursor().copy_expert(
                f"copy {table} from stdin (format csv)", rows, size=_CHUNK_BYTES
            )
            connection.commit()
            copied = Copied(time.perf_counter() - start, cpu_s(pid) - before)
    engine.dispose()
    return copied


def _write_stored(engine: sa.Engine, rows: IO[bytes]) -> None:
    """What the last load stored, in the order of its time."""
    with engine.connect() as connection:
        connection.connection.cursor().copy_expert(
            "copy (select * from ev_session where revision = 1"
            " and load_id = (select max(load_id) from ev_load) order by started_at)"
            " to stdout (format csv)",
            rows,
        )
    engine.dispose()


def job_of(settings: Settings, mapping: Mapping, batch: RecordBatch) -> Job:
    """The records as the stream hands them in: no load is recorded."""
    records = DecodedRecords(mapping, mapping.scope or settings.operator, batch)
    return stream_job(settings, records, now())


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)
