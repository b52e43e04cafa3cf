"""What a stream needs around it: a durable database, a broker with TLS, a champion, the worker.

What lives here: starting and stopping them, each a process of its own. What does not: load and
measures.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from ev_pipeline.intake.load import load_file
from ev_pipeline.settings import ENV_PREFIX, Settings
from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline.stack import stream_worker
from ev_pipeline.stack.credentials import OWNER
from ev_pipeline.stack.postgres import prepare
from ev_pipeline.stack.serving import served
from ev_pipeline.storage.engine import connect, migrate
from ev_pipeline.storage.promotion import promote
from ev_pipeline_tests.conftest import PostgresServer, free_port, make_home
from ev_pipeline_tests.running_broker import RunningBroker, running_broker
from ev_pipeline_tests.storage.trained import register
from simulator.files import write_sessions
from simulator.generate import SEED, SESSIONS_PER_STATION, SESSIONS_PER_USER, Size, make_sample

_WATCHED: Final = "track_commit_timestamp = on\ntrack_wal_io_timing = on\n"
"""A row's commit and a flush can be timed; nothing becomes faster by it."""

_UP_WITHIN_S: Final = 60.0
_CLOCK_TICK_S: Final = 0.01
_PAGE_BYTES: Final = 4096


@dataclass(frozen=True)
class Stand:
    """Everything that runs.

    Args:
        engine: the benchmark's own connections to the database.
        broker: the broker.
        settings: what the worker goes by.
        worker: its process.
        postmaster: the database's first process.
    """

    engine: sa.Engine
    broker: RunningBroker
    settings: Settings
    worker: subprocess.Popen[bytes]
    postmaster: subprocess.Popen[bytes]

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds so far of each service, the database's by all its processes.

        The teller is the worker's one child.
        """
        if self.broker.process is None:
            raise RuntimeError("the broker is gone")
        family = [self.postmaster.pid, *_children_of(self.postmaster.pid)]
        return {
            "worker": _cpu_s(self.worker.pid),
            "teller": sum(map(_cpu_s, _children_of(self.worker.pid))),
            "postgres": sum(map(_cpu_s, family)),
            "broker": _cpu_s(self.broker.process.pid),
        }

    def worker_mb(self) -> float:
        """Memory of the worker and its teller that is in use, MB."""
        family = [self.worker.pid, *_children_of(self.worker.pid)]
        pages = (int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in family)
        return sum(pages) * _PAGE_BYTES / 1e6

    def scalar(self, sql: str, **values: object) -> int:
        """The one number that the statement gives."""
        with self.engine.connect() as connection:
            return int(connection.execute(sa.text(sql), values).scalar_one())


@contextmanager
def standing(n_stored: int) -> Iterator[Stand]:
    """Within, the worker takes sessions, and so many are stored and labelled already."""
    home = make_home()
    cluster = prepare(Settings(home=home, postgres_port=free_port()))
    with (cluster.layout.postgres / "postgresql.auto.conf").open("a") as file:
        file.write(_WATCHED)
    try:
        with served(cluster) as postmaster, running_broker(make_home(), free_port()) as broker:
            url = PostgresServer(cluster).url(OWNER.role, OWNER.database)
            settings = broker.reached_by("stream", Settings(database_url=url)).model_copy(
                update={
                    "home": broker.settings.home,
                    "mqtt_client_id": "benchmark",
                    "metrics_port": free_port(),
                }
            )
            engine = connect(settings)
            migrate(engine)
            _fill(engine, settings, n_stored)
            with working(settings, home / "worker.log") as worker:
                yield Stand(engine, broker, settings, worker, postmaster)
            engine.dispose()
    finally:
        shutil.rmtree(home)


@contextmanager
def working(settings: Settings, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Within, the worker runs; what it logged is shown if it fails."""
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "ev_pipeline.cli.main", "stream"],
            env=environment(settings),
            stderr=output,
        )
    deadline = time.monotonic() + _UP_WITHIN_S
    while stream_worker.trouble(settings.metrics_port):
        if worker.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the worker is not up:\n{log.read_text()}")
        time.sleep(0.1)
    try:
        yield worker
    finally:
        worker.terminate()
        if worker.wait(stream_worker.STOP_WITHIN_S):
            print(log.read_text()[-4000:])


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a process that goes by the settings."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(ENV_PREFIX)}
    said = {name: getattr(settings, name) for name in settings.model_fields_set}
    return inherited | {
        ENV_PREFIX + name.upper(): str(value) for name, value in said.items() if value is not None
    }


def made_file(rows: int, folder: Path, *, seed: int = SEED) -> Path:
    """A file of about so many canonical sessions."""
    size = Size(rows, 0, max(5, rows // SESSIONS_PER_USER), max(4, rows // SESSIONS_PER_STATION))
    path = folder / f"sessions-{seed}.csv"
    write_sessions(make_sample(size, seed).sessions, path)
    return path


def _fill(engine: sa.Engine, settings: Settings, n_stored: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        load_file(engine, settings, load_mapping("canonical"), made_file(n_stored, Path(folder)))
    promote(engine, register(engine, 1), reason="benchmark", promoted_at=datetime.now(UTC))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("vacuum analyze"))


def _children_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in children.split()]


def _cpu_s(pid: int) -> float:
    """CPU seconds of another process; none once it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) * _CLOCK_TICK_S
