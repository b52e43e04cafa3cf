"""A load of sessions, from decoded batches to rows in their tables, in one transaction.

What lives here: the order of the steps. What does not: the steps themselves, and the transaction
(`load`).
"""

from collections import Counter
from typing import Any

import polars as pl
import sqlalchemy as sa

from ev_pipeline.intake.clock_change import Ambiguous
from ev_pipeline.intake.delivery import with_ids
from ev_pipeline.intake.job import Job
from ev_pipeline.intake.preparation import is_ambiguous, prepare
from ev_pipeline.intake.records import numbered, placed
from ev_pipeline.intake.refusal import refuse, refuse_conflicts
from ev_pipeline.sources.reader import RecordBatch
from ev_pipeline.storage.bulk import copy_frame
from ev_pipeline.storage.decisions import conflicting, decide
from ev_pipeline.storage.loads import Tally, share_ground
from ev_pipeline.storage.overlaps import SPAN_SCHEMA, find_overlaps
from ev_pipeline.storage.quarantine import (
    drop_unfinished,
    supersede_unfinished,
    take_turn,
    write_quarantine,
)
from ev_pipeline.storage.revisions import keep_passed
from ev_pipeline.storage.sessions import write_sessions
from ev_pipeline.storage.staging import INCOMING, create_staging
from ev_pipeline.storage.stations import (
    NAMED_SCHEMA,
    add_unregistered,
    correct_clocks,
    read_stations,
)
from ev_pipeline.storage.tallies import tally_sessions


def load_sessions(connection: sa.Connection, job: Job) -> tuple[Tally, bytes | None]:
    """The job's sessions are stored, quarantined or known already.

    The stream does not wait for a registry that is being loaded.

    Returns:
        What became of them, and the header that their file has.
    """
    if job.load_id is not None:
        share_ground(connection)
    create_staging(connection)
    staging = _Staging(connection, job)
    for before, batch in numbered(job.records, job.progress):
        staging.add(before, batch)
    staging.add_ambiguous()
    _settle(connection, job, staging.spans())
    tally = tally_sessions(connection, warnings=staging.warnings, notes=staging.notes)
    _quarantine(connection, job)
    staging.add_stations()
    return tally, staging.header


def _settle(connection: sa.Connection, job: Job, spans: pl.DataFrame) -> None:
    """Decide and write what is staged."""
    origin, corrects = job.origin, job.mapping.has_corrections
    decide(connection, has_corrections=corrects)
    find_overlaps(connection, spans, scope=origin.scope, resolution_s=job.mapping.resolution_s)
    drop_unfinished(connection)
    written_as: dict[str, Any] = {
        "scope": origin.scope,
        "source": origin.source,
        "door": origin.door,
        "load_id": job.load_id,
        "received_at": origin.received_at,
    }
    write_sessions(connection, has_corrections=corrects, **written_as)
    keep_passed(connection, **written_as)
    refuse_conflicts(connection, job, conflicting(connection))


def _quarantine(connection: sa.Connection, job: Job) -> None:
    """Write what was refused, and settle what is completed: from here it is not long to the end."""
    origin = job.origin
    take_turn(connection, scope=origin.scope)
    write_quarantine(
        connection,
        scope=origin.scope,
        origin=origin.source,
        load_id=job.load_id,
        seen_at=origin.received_at,
    )
    supersede_unfinished(connection, scope=origin.scope, load_id=job.load_id)


class _Staging:
    """The staging tables while they are filled.

    Args:
        connection: the load's transaction.
        job: the load.
    """

    def __init__(self, connection: sa.Connection, job: Job) -> None:
        self.header: bytes | None = None
        self.warnings: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self._connection = connection
        self._job = job
        self._stations = read_stations(connection, job.origin.scope, job.records.station_ids())
        self._ambiguous = Ambiguous(connection, job)
        self._named: list[pl.DataFrame] = []
        self._spans: list[pl.DataFrame] = [pl.DataFrame(schema=SPAN_SCHEMA)]

    def add(self, before: int, batch: RecordBatch) -> None:
        """Stage a batch; what has an ambiguous time waits for its neighbours."""
        self.header = batch.header
        rows = placed(before, batch)
        waits = rows.select(is_ambiguous()).to_series()
        if waits.any():
            self._ambiguous.hold(rows.filter(waits), batch.raw)
            rows = rows.filter(~waits)
        self._stage(rows, batch)

    def add_ambiguous(self) -> None:
        """Stage what has waited, each with the reading that its neighbours leave."""
        frame, raw = self._ambiguous.settled()
        if not frame.is_empty():
            self._stage(frame, RecordBatch(frame, self.header, raw))

    def spans(self) -> pl.DataFrame:
        """From when to when the staged sessions use each connector."""
        return _spans(pl.concat(self._spans), "first_at", "last_at")

    def add_stations(self) -> None:
        """Stations that only these sessions name get their rows, those without a zone theirs."""
        if not self._named:
            return
        named = pl.concat(self._named).unique("station_id", keep="first", maintain_order=True)
        origin = self._job.origin
        zoned = add_unregistered(
            self._connection,
            named,
            scope=origin.scope,
            source=origin.source,
            seen_at=origin.received_at,
        )
        if zoned:
            correct_clocks(
                self._connection,
                zoned,
                scope=origin.scope,
                timezone=self._job.settings.timezone,
            )

    def _stage(self, rows: pl.DataFrame, batch: RecordBatch) -> None:
        prepared = prepare(
            with_ids(self._connection, rows, batch.raw, self._job), self._job, self._stations
        )
        copy_frame(self._connection, "incoming", prepared.accepted.select(INCOMING))
        refuse(self._connection, prepared.refused, batch.raw, self._job.settings)
        self.warnings += _by_code(prepared.accepted["warnings"])
        self.notes += _by_code(prepared.accepted["notes"])
        self._spans.append(_spans(prepared.accepted, "started_at", "ended_at"))
        self._named.append(_stations_named_by(prepared.accepted))


def _spans(frame: pl.DataFrame, first: str, last: str) -> pl.DataFrame:
    """The earliest and the latest moment on each connector that is known."""
    return (
        frame.filter(pl.col("connector_id").is_not_null())
        .group_by("station_id", "connector_id")
        .agg(pl.col(first).min().alias("first_at"), pl.col(last).max().alias("last_at"))
    )


def _by_code(codes: pl.Series) -> Counter[str]:
    """How many records have each code."""
    counts = codes.filter(codes.list.len() > 0).explode().value_counts()
    return Counter(dict(counts.iter_rows()))


def _stations_named_by(accepted: pl.DataFrame) -> pl.DataFrame:
    """What the sessions tell of their stations; the first to say something is believed."""
    told = {
        "name": "station_name",
        "latitude": "station_latitude",
        "longitude": "station_longitude",
        "time_zone": "zone",
    }
    firsts = [pl.col(column).drop_nulls().first().alias(name) for name, column in told.items()]
    return (
        accepted.group_by("station_id", maintain_order=True)
        .agg(firsts)
        .select(pl.col(name).cast(kind) for name, kind in NAMED_SCHEMA.items())
    )
