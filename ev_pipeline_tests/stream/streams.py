"""A running worker on a test's database and broker, and chargers that report to it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.session import Session
from ev_pipeline.settings import Settings
from ev_pipeline.stream.running import Stream
from ev_pipeline_tests.conftest import free_port
from ev_pipeline_tests.messaging.listening import WITHIN_S, Listener, listening
from ev_pipeline_tests.panels.schemas import problems
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until

ENDED_AT = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)


def a_session(session_id: str | None, **fields: Any) -> dict[str, Any]:
    """A session that passes validation, on the wire, with these fields in place of its own."""
    session = {
        "session_id": session_id,
        "station_id": "CP-1",
        "connector_id": "1",
        "user_id": "U-1",
        "started_at": (ENDED_AT - timedelta(hours=2)).isoformat(),
        "ended_at": ENDED_AT.isoformat(),
        "energy_kwh": 11.5,
        "cost": 4.5,
        "currency": "EUR",
    }
    return session | fields


def streaming_settings(settings: Settings, broker: RunningBroker) -> Settings:
    """What a worker on the test's database and broker goes by."""
    return broker.reached_by("stream", settings).model_copy(
        update={
            "home": broker.settings.home,
            "mqtt_client_id": broker.new_session_id(),
            "metrics_port": free_port(),
        }
    )


@contextmanager
def running_stream(engine: sa.Engine, settings: Settings) -> Iterator[Stream]:
    """Within, the worker runs in this process; afterwards it has ended without an error."""
    stream = Stream(engine, settings, is_told_apart=False)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            stream.run()
        except BaseException as error:  # noqa: BLE001 -- told by the test, whatever it is
            errors.append(error)

    thread = threading.Thread(target=run, name="stream")
    thread.start()
    try:
        wait_until(lambda: stream.is_up or bool(errors), within_s=WITHIN_S)
        yield stream
    finally:
        stream.stop()
        thread.join(WITHIN_S)
    assert not thread.is_alive()
    assert errors == []


@dataclass
class Charger:
    """An account that reports sessions and hears what was refused."""

    login: Login
    listener: Listener

    @property
    def name(self) -> str:
        return self.login.username

    def send(self, payload: object, **properties: str) -> None:
        """The broker has taken the message for the worker."""
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        sent = self.listener.client.publish(topics.sessions(self.name), raw, properties=properties)
        assert sent.result(WITHIN_S).is_accepted

    def next_rejection(self) -> dict[str, Any]:
        """What it is told next of something refused."""
        payload = self.listener.take().payload
        assert problems("rejection", payload) == []
        rejection: dict[str, Any] = json.loads(payload)
        return rejection


@contextmanager
def charging(broker: RunningBroker, **binding: str) -> Iterator[Charger]:
    """Within, a new charger is connected."""
    login = broker.add_charger(**binding)
    with listening(login, topics.rejections(login.username)) as listener:
        yield Charger(login, listener)


@contextmanager
def dashboard(broker: RunningBroker, *heard: str) -> Iterator[Listener]:
    """Within, the dashboard's account hears the topics."""
    with listening(broker.login("nodered"), *heard) as listener:
        yield listener


def client_of(login: Login) -> Client:
    """A connection that hears nothing."""
    return Client(login, Session())


def count(engine: sa.Engine, table: str, condition: str = "true") -> int:
    """How many rows of the table meet the condition."""
    with engine.connect() as connection:
        statement = f"select count(*) from {table} where {condition}"
        return int(connection.execute(sa.text(statement)).scalar_one())
