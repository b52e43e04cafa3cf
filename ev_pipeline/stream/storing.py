"""One transaction of the stream: records stored, labelled, refused and counted together.

What lives here: the transaction. What does not: its steps (`intake`, `storage`), and trying again
(`persistence`).
"""

import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from ev_pipeline.intake.load import take_in
from ev_pipeline.intake.stream_job import stream_job
from ev_pipeline.settings import Settings
from ev_pipeline.sources.payloads.messages import DecodedRecords, Message, decode_messages
from ev_pipeline.storage.instant_labels import label_plain, label_written
from ev_pipeline.storage.outcomes import Outcome, outcomes_of, read_outcomes
from ev_pipeline.storage.planned import plan_once, send_waiting
from ev_pipeline.stream.champion import Champion


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one record.

    Args:
        message: the place of its message in the batch.
        outcome: what became of it.
    """

    message: int
    outcome: Outcome


class Storing:
    """Where the stream's records go.

    Args:
        engine: the database.
        settings: limits, zones and the default operator.
        champion: what labels them.
    """

    def __init__(self, engine: sa.Engine, settings: Settings, champion: Champion) -> None:
        plan_once(engine)
        self._engine = engine
        self._settings = settings
        self._champion = champion
        self._held = threading.local()

    def store(self, records: DecodedRecords) -> list[Fate]:
        """The records are committed; each that is stored has the champion's label.

        Where there is no champion they are stored without, and get theirs with the first one.
        """
        connection = self._connection()
        with connection.begin():
            outcomes = self._write(connection, records)
            send_waiting(connection)
        messages = records.batch.frame["message"].to_list()
        return [Fate(messages[outcome.ordinal], outcome) for outcome in outcomes]

    def _connection(self) -> sa.Connection:
        """The thread's own, for good: one that is lost fails once, and then is made anew.

        To borrow one each time, and to see whether it lives, would be one more round trip.
        """
        held: sa.Connection | None = getattr(self._held, "connection", None)
        if held is None:
            held = self._held.connection = self._engine.connect()
        return held

    def rehearse(self) -> None:
        """A first transaction is done and taken back: what is slow once keeps nobody waiting."""
        now = datetime.now(UTC)
        session = {
            "station_id": "rehearsal",
            "started_at": (now - timedelta(hours=1)).isoformat(),
            "ended_at": now.isoformat(),
            "energy_kwh": 10,
        }
        message = Message(json.dumps(session).encode(), "stream", now)
        records = decode_messages([message], default_scope=self._settings.operator)
        connection = self._connection()
        with connection.begin() as transaction:
            self._write(connection, records[0])
            send_waiting(connection)
            transaction.rollback()

    def _write(self, connection: sa.Connection, records: DecodedRecords) -> list[Outcome]:
        now = datetime.now(UTC)
        plain = take_in(connection, stream_job(self._settings, records, now)).plain
        labeller = self._champion.for_transaction(connection, now)
        if labeller is not None and plain is not None:
            label_plain(connection, labeller, plain, scope=records.scope)
        elif labeller is not None:
            label_written(connection, labeller)
        return read_outcomes(connection) if plain is None else outcomes_of(plain)
