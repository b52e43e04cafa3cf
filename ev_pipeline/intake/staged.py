"""The records of a load on their way into the staging tables, batch by batch.

What lives here: from decoded batches to staged rows, and what is known of them by then. What does
not: what becomes of staged rows (`session_load`), and the tables (`storage.staging`).
"""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import polars as pl
import sqlalchemy as sa

from ev_pipeline.intake.clock_change import Ambiguous
from ev_pipeline.intake.clocks import with_clock_warnings
from ev_pipeline.intake.connectors import Connectors
from ev_pipeline.intake.delivery import has_assigned_times, with_ids
from ev_pipeline.intake.job import Job
from ev_pipeline.intake.our_ids import may_be_ours
from ev_pipeline.intake.preparation import is_ambiguous, prepare
from ev_pipeline.intake.records import HeldRecords, placed
from ev_pipeline.intake.refusal import refuse
from ev_pipeline.intake.user_ids import UserIds
from ev_pipeline.sources.reader import RecordBatch
from ev_pipeline.storage.bulk import FEW, copy_frame, insert_few
from ev_pipeline.storage.overlaps import with_overlaps
from ev_pipeline.storage.staging import INCOMING
from ev_pipeline.storage.stations import (
    NAMED_SCHEMA,
    add_unregistered,
    correct_clocks,
    read_stations,
)


@contextmanager
def staged(connection: sa.Connection, job: Job) -> Iterator["Staging"]:
    """Within, batches can be staged; at its end all of them are."""
    if isinstance(job.records, HeldRecords):
        yield Staging(connection, job, None)
        return
    with ThreadPoolExecutor(1, thread_name_prefix="copier") as copier:
        staging = Staging(connection, job, copier)
        yield staging
        staging.finish()


class Staging:
    """The staging tables while they are filled.

    A batch is copied while the next one is judged. Nobody else uses the connection meanwhile.

    Args:
        connection: the load's transaction.
        job: the load.
        copier: copies one batch at a time; null where there is one batch, which nothing follows.
    """

    def __init__(
        self, connection: sa.Connection, job: Job, copier: ThreadPoolExecutor | None
    ) -> None:
        self.n_accepted = 0
        self.n_refused = 0
        self.header: bytes | None = None
        self.accounts: Counter[str | None] = Counter()
        self.warnings: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.user_ids = UserIds(connection, job)
        self._connection = connection
        self._job = job
        self._stations = read_stations(
            connection, job.origin.scope, job.records.station_ids(), job.load_id
        )
        self._known_ids = frozenset(self._stations["station_id"])
        self._ambiguous = Ambiguous(connection, job)
        self._incoming: list[pl.DataFrame] = []
        self._named: list[pl.DataFrame] = []
        self._connectors = Connectors()
        self._copier = copier
        self._copying: Future[None] | None = None

    def add(self, before: int, batch: RecordBatch) -> None:
        """Stage a batch; what has an ambiguous time waits for its neighbours."""
        self.header = batch.header
        rows = placed(before, batch)
        waits = is_ambiguous(rows)
        if waits.any():
            self._ambiguous.hold(rows.filter(waits), batch.raw)
            rows = rows.filter(~waits)
        self._stage(rows, batch)

    def add_ambiguous(self) -> None:
        """Stage what has waited, each with the reading that its neighbours leave."""
        self.finish()
        frame, raw = self._ambiguous.settled()
        if not frame.is_empty():
            self._stage(frame, RecordBatch(frame, self.header, raw))

    def finish(self) -> None:
        """What is being copied is there; an error of it is raised here."""
        if self._copying is not None:
            self._copying.result()
            self._copying = None

    def plain(self, *, has_overlaps: bool) -> pl.DataFrame | None:
        """All that was staged of a stream, with all that is stored of it; null for nothing."""
        if not self._incoming:
            return None
        incoming = pl.concat(self._incoming)
        return with_overlaps(self._connection, incoming) if has_overlaps else incoming

    def add_stations(self) -> bool:
        """Stations that only these sessions name get their rows, those without a zone theirs.

        Returns:
            Whether clocks of stored sessions were corrected by it.
        """
        named = self._to_be_told() if self._named else None
        if named is None or named.is_empty():
            return False
        origin = self._job.origin
        zoned = add_unregistered(
            self._connection,
            named,
            scope=origin.scope,
            source=origin.source,
            load_id=self._job.load_id,
            seen_at=origin.received_at,
        )
        if zoned:
            correct_clocks(
                self._connection,
                zoned,
                scope=origin.scope,
                timezone=self._job.settings.timezone,
            )
        return bool(zoned)

    def _to_be_told(self) -> pl.DataFrame:
        """Named stations that were not known, or whose zone is told for the first time."""
        known = self._stations.select(
            "station_id",
            known_id="station_id",
            is_told=pl.col("has_told_zone") & pl.col("time_zone").is_not_null(),
        )
        is_news = pl.col("known_id").is_null() | (
            pl.col("time_zone").is_not_null() & ~pl.col("is_told")
        )
        return (
            pl.concat(self._named)
            .unique("station_id", keep="first", maintain_order=True)
            .join(known, on="station_id", how="left", maintain_order="left")
            .filter(is_news)
            .select(NAMED_SCHEMA.keys())
        )

    def _stage(self, rows: pl.DataFrame, batch: RecordBatch) -> None:
        if self._copying is not None and _has_ids_to_look_up(rows):
            self.finish()
        identified = with_ids(self._connection, rows, batch.raw, self._job)
        prepared = prepare(identified, self._job, self._stations)
        self.finish()
        accepted = with_clock_warnings(self._connection, prepared.accepted, self._job)
        if not self.user_ids.is_idle:
            accepted = self.user_ids.settled(accepted)
        numbers = self._connectors.numbers(accepted["station_id"], accepted["connector_id"])
        incoming = accepted.hstack([numbers])[list(INCOMING)]
        if self._copier is None:
            self._copy(incoming, prepared.refused, batch)
        else:
            self._copying = self._copier.submit(self._copy, incoming, prepared.refused, batch)
        self.n_accepted += accepted.height
        self.n_refused += prepared.refused.height
        self.accounts.update(accepted["account"].to_list())
        if self._job.load_id is None:
            self._incoming.append(incoming)
        else:
            self.warnings.update(_by_code(accepted["warnings"]))
            self.notes.update(_by_code(accepted["notes"]))
        if self._has_news(accepted):
            self._named.append(_stations_named_by(accepted))

    def _has_news(self, accepted: pl.DataFrame) -> bool:
        """Whether sessions name a station that is not known, or perhaps its zone."""
        says_zones = accepted["zone"].null_count() < accepted.height
        return says_zones or not self._known_ids.issuperset(accepted["station_id"].to_list())

    def _copy(self, incoming: pl.DataFrame, refused: pl.DataFrame, batch: RecordBatch) -> None:
        if self._copier is None and incoming.height <= FEW:
            insert_few(self._connection, "incoming", incoming)
        else:
            copy_frame(self._connection, "incoming", incoming)
        refuse(self._connection, refused, batch, self._job, self.user_ids)


def _has_ids_to_look_up(rows: pl.DataFrame) -> bool:
    return has_assigned_times(rows) or may_be_ours(rows)


def _by_code(codes: pl.Series) -> Counter[str]:
    """How many records have each code."""
    counts = Counter(codes.explode().to_list())
    counts.pop(None, None)
    return counts


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
