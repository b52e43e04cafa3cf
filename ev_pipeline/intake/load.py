"""One file is taken in, in one transaction.

What lives here: the transaction around a load, its number, its row and its ledger. What does not:
the steps for sessions (`session_load`) and for registries (`registry_load`).

Batches are decoded, judged and staged in temporary tables; then statements over whole tables
decide, write, count and log. Nobody sees anything of it before the commit, and a load that is
killed at any moment leaves nothing: the same file is simply loaded again. No row that a stream
beside it needs is locked before the last moments: sessions are written in order of their ids, and
only a writer of the very same session, station or ledger row waits for the commit.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Final

import sqlalchemy as sa

from ev_pipeline.intake.job import Job, LoadResult
from ev_pipeline.intake.records import FileRecords
from ev_pipeline.intake.registry_load import load_registry
from ev_pipeline.intake.session_load import load_sessions
from ev_pipeline.settings import Settings
from ev_pipeline.sources.files import name_of
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline.storage.ledger import add_to_ledger
from ev_pipeline.storage.loads import Origin, Tally, new_load_id, record_load
from ev_pipeline.storage.rollups import compact

FILE_DOOR: Final = "file"
"""The ledger's name for what came by file."""


def load_file(
    engine: sa.Engine,
    settings: Settings,
    mapping: Mapping,
    path: Path,
    *,
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
) -> LoadResult:
    """Every record of the file is stored, known already or quarantined, and counted.

    Args:
        engine: the database, its schema up to date.
        settings: limits, zones and the default operator.
        mapping: how the source writes its records.
        path: the file.
        dry_run: whether everything is done and then taken back.
        progress: hears how many records were read.

    Raises:
        PipelineError: the file cannot be read; nothing of it is stored.
    """
    began = monotonic()
    received_at = datetime.now(UTC)
    origin = Origin(
        source=mapping.name,
        records=mapping.records,
        scope=mapping.scope or settings.operator,
        door=FILE_DOOR,
        path=name_of(path),
        mapping=mapping.text,
        day=received_at.astimezone(settings.zone).date(),
        received_at=received_at,
    )
    records = FileRecords(path, mapping, received_at)
    with engine.connect() as connection, connection.begin() as transaction:
        job = Job(
            load_id=new_load_id(connection),
            settings=settings,
            mapping=mapping,
            origin=origin,
            records=records,
            fingerprint=records.fingerprint(),
            progress=progress,
        )
        tally = take_in(connection, job)
        if dry_run:
            transaction.rollback()
    if not dry_run:
        compact(engine, settings)
    return LoadResult(
        load_id=None if dry_run else job.load_id,
        source=origin.source,
        path=origin.path,
        tally=tally,
        duration_s=monotonic() - began,
        skipped=records.skipped,
    )


def take_in(connection: sa.Connection, job: Job) -> Tally:
    """The job's records are taken in, recorded and counted, within the transaction.

    What became of each can be read from the transaction's tables until it ends
    (`ev_pipeline.storage.outcomes`).
    """
    steps = load_sessions if job.mapping.records == "session" else load_registry
    tally, header = steps(connection, job)
    if job.load_id is not None:
        record_load(
            connection, job.load_id, job.origin, tally, header=header, file_sha256=job.fingerprint
        )
    add_to_ledger(
        connection,
        day=job.origin.day,
        door=job.origin.door,
        by_source=tally.by_account or {job.origin.source: tally.counts},
    )
    return tally
