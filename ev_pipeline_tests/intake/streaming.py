"""Records that come as a stream brings them, through the same intake as a file's."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from polars.testing import assert_frame_equal

from ev_pipeline.intake.load import take_in
from ev_pipeline.intake.records import DELIVERY
from ev_pipeline.intake.stream_job import stream_job
from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline.sources.payloads.messages import DecodedRecords
from ev_pipeline.sources.reader import RecordBatch, read_records
from ev_pipeline.storage.instant_labels import read_sessions, sessions_of
from ev_pipeline.storage.loads import Tally
from ev_pipeline.storage.outcomes import Outcome, outcomes_of, read_outcomes
from ev_pipeline_tests.intake.files import CANONICAL

RECEIVED_AT = datetime(2024, 5, 7, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Delivery:
    """A record on its way: who sent it, as what, and when it came."""

    record: dict[str, Any] | bytes
    account: str = "charger-1"
    delivery_id: str | None = None
    received_at: datetime = RECEIVED_AT

    @property
    def payload(self) -> bytes:
        """Its bytes."""
        if isinstance(self.record, bytes):
            return self.record
        return json.dumps(self.record).encode()


def deliver(
    connection: sa.Connection,
    settings: Settings,
    deliveries: Iterable[Delivery],
    mapping: Mapping = CANONICAL,
    *,
    now: datetime = RECEIVED_AT,
) -> tuple[Tally, list[Outcome]]:
    """The records are taken in by the stream's door."""
    came = list(deliveries)
    batch = read_records([delivery.payload for delivery in came], mapping, None, received_at=now)
    delivered = pl.DataFrame(
        [(one.account, one.delivery_id, one.received_at) for one in came], DELIVERY, orient="row"
    )
    each_alone = batch.frame.with_columns(line=pl.lit(1, pl.Int64))
    frame = pl.concat([each_alone, delivered], how="horizontal")
    scope = mapping.scope or settings.operator
    records = DecodedRecords(mapping, scope, RecordBatch(frame, None, batch.raw))
    tally = take_in(connection, stream_job(settings, records, now))
    outcomes = read_outcomes(connection)
    if tally.plain is not None:
        assert_known_as_stored(connection, tally.plain, outcomes, scope=scope)
    return tally, outcomes


def assert_known_as_stored(
    connection: sa.Connection, plain: pl.DataFrame, outcomes: list[Outcome], *, scope: str
) -> None:
    """What the intake knows of plain sessions is what is read of them once they are stored."""
    assert outcomes_of(plain) == outcomes
    known = sessions_of(plain, scope=scope).sort("session_id")
    stored = read_sessions(connection, known["session_id"].to_list()).sort("session_id")
    assert_frame_equal(known, stored)
