"""What the broker's queue holds is stored, and what it does not is told before and after."""

import json
from collections.abc import Iterator
from typing import Any, Final

import dagster as dg
import pytest
import sqlalchemy as sa

from ev_pipeline.automation.queue_sensor import broker_queue_sensor
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.broker_figures import FIGURES, Queue
from ev_pipeline.messaging.durable import client_id, establish
from ev_pipeline.messaging.retained import read_retained
from ev_pipeline.settings import Settings
from ev_pipeline_tests.conftest import free_port, quick_home
from ev_pipeline_tests.intake.files import rows
from ev_pipeline_tests.messaging.listening import WITHIN_S, Listener, listening
from ev_pipeline_tests.panels.schemas import problems
from ev_pipeline_tests.running_broker import RunningBroker, running_broker
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.streams import (
    Charger,
    a_session,
    charging,
    dashboard,
    running_stream,
    streaming_settings,
)

CAPACITY: Final = 200
BEYOND: Final = 50

STORED: Final = "select source_session_id from ev_session where door = 'stream'"


@pytest.fixture
def small_broker() -> Iterator[RunningBroker]:
    """A broker whose queue is soon full."""
    with running_broker(quick_home(), free_port(), broker_queue_messages=CAPACITY) as broker:
        yield broker


@pytest.fixture
def streaming(settings: Settings, small_broker: RunningBroker) -> Settings:
    """A worker's settings, for whom the broker keeps sessions from now on."""
    limits = settings.model_copy(update={"broker_queue_messages": CAPACITY})
    streaming = streaming_settings(limits, small_broker)
    establish(small_broker.login("stream"), client_id(streaming))
    return streaming


def report(charger: Charger, first: int, end: int) -> list[str]:
    """The broker has acknowledged these sessions."""
    names = [f"{charger.name}-{number}" for number in range(first, end)]
    for name in names:
        charger.send(a_session(name, connector_id=name))
    return names


def next_alert(screen: Listener) -> dict[str, Any]:
    payload = screen.take().payload
    assert problems("alert", payload) == []
    document: dict[str, Any] = json.loads(payload)
    return document


class Sensor:
    """Dagster's sensor on the broker, ticked by hand."""

    def __init__(self, settings: Settings) -> None:
        self._watch = broker_queue_sensor(settings)
        self._cursor: str | None = None

    def tick(self) -> str:
        """What it says of a tick."""
        with (
            dg.DagsterInstance.ephemeral() as instance,
            dg.build_sensor_context(instance, cursor=self._cursor) as context,
        ):
            said = self._watch(context)
        if isinstance(said, dg.SkipReason):
            return str(said.skip_message)
        assert isinstance(said, dg.SensorResult)
        self._cursor = said.cursor
        assert isinstance(said.skip_reason, dg.SkipReason)
        return str(said.skip_reason.skip_message)


def await_figures(broker: RunningBroker, **expected: int) -> None:
    """The broker has told so of its queue, as it does every second."""

    def is_told() -> bool:
        queue = Queue.from_said(read_retained(broker.login("dagster"), FIGURES))
        return all((getattr(queue, name) or 0) >= n for name, n in expected.items())

    wait_until(is_told, within_s=WITHIN_S)


def test_a_full_queue_is_told_before_it_drops_and_all_that_it_holds_is_stored(
    engine: sa.Engine, small_broker: RunningBroker, streaming: Settings
) -> None:
    sensor = Sensor(small_broker.reached_by("dagster", streaming))
    with dashboard(small_broker, topics.ALERTS) as screen, charging(small_broker) as charger:
        assert "0 messages wait" in sensor.tick()
        held = report(charger, 0, CAPACITY // 2)
        await_figures(small_broker, messages=CAPACITY // 2)
        assert "start the worker" in sensor.tick()
        half = next_alert(screen)
        assert (half["source"], half["code"]) == ("dagster", "queue_half_full")
        assert half["limit"] == CAPACITY
        held += report(charger, CAPACITY // 2, CAPACITY)
        lost = report(charger, CAPACITY, CAPACITY + BEYOND)  # acknowledged all the same
        await_figures(small_broker, dropped=BEYOND)
        sensor.tick()
        dropped = next_alert(screen)
        assert (dropped["source"], dropped["code"]) == ("dagster", "broker_dropped")
        assert dropped["n"] == BEYOND
        assert "messages wait" in sensor.tick()  # once is enough
        with running_stream(engine, streaming):
            wait_until(lambda: len(rows(engine, STORED)) == CAPACITY, within_s=WITHIN_S)
            assert set(rows(engine, STORED)) == set(held)
            while (told := next_alert(screen))["code"] != "broker_dropped":
                assert told["code"] == "queue_half_full"
            assert (told["source"], told["n_ever"]) == ("stream", BEYOND)
            assert "watches the queue itself" in sensor.tick()
    assert set(lost).isdisjoint(held)


def test_a_queue_of_few_large_messages_is_full_by_its_bytes(settings: Settings) -> None:
    limits = {"broker_queue_bytes": 100_000}
    with running_broker(quick_home(), free_port(), **limits) as broker:
        streaming = streaming_settings(settings.model_copy(update=limits), broker)
        establish(broker.login("stream"), client_id(streaming))
        sensor = Sensor(broker.reached_by("dagster", streaming))
        with (
            listening(broker.login("charger-1")) as charger,
            dashboard(broker, topics.ALERTS) as screen,
        ):
            for _ in range(6):
                sent = charger.client.publish(topics.sessions("charger-1"), b"x" * 10_000)
                assert sent.result(WITHIN_S).is_accepted
            await_figures(broker, size_bytes=60_000)
            sensor.tick()
            assert next_alert(screen)["code"] == "queue_half_full"
