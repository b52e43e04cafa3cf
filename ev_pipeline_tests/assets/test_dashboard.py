"""The publishing op against a real broker: what it leaves there, and how it fails."""

import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.login import Login
from ev_pipeline.panels.envelope import encode
from ev_pipeline.settings import Settings
from ev_pipeline_tests.conftest import free_port
from ev_pipeline_tests.messaging.listening import listening
from ev_pipeline_tests.panels.schemas import problems
from ev_pipeline_tests.pipeline_runs import PipelineRuns, pipeline_runs, said
from ev_pipeline_tests.running_broker import RunningBroker

JOB = "publish_dashboard"
WORKERS = [name for name in topics.STREAM_PANELS if name != topics.LIVE_PANEL]


@pytest.fixture
def runs(settings: Settings, own_broker: RunningBroker) -> Iterator[PipelineRuns]:
    with pipeline_runs(own_broker.reached_by("dagster", settings)) as runs:
        yield runs


def kept(broker: RunningBroker, count: int) -> dict[str, Any]:
    """The panels that a dashboard gets at once, because the broker kept them."""
    with listening(broker.login("nodered"), topics.EVERY_PANEL) as listener:
        messages = [listener.take() for _ in range(count)]
        assert listener.heard.empty()
    assert all(message.is_retained for message in messages)
    for message in messages:
        assert problems(message.topic.rpartition("/")[2], message.payload) == []
    return {message.topic: json.loads(message.payload) for message in messages}


def say(broker: RunningBroker, state: str) -> None:
    with listening(broker.login("stream")) as worker:
        status = encode({"state": state})
        sent = worker.client.publish(topics.STATUS, status, is_retained=True)
        assert sent.result(timeout=20).is_taken


def test_the_op_leaves_its_panels_and_the_workers_only_while_that_is_offline(
    runs: PipelineRuns, own_broker: RunningBroker
) -> None:
    say(own_broker, "online")
    result = runs.run(JOB)
    assert result.success
    panels = kept(own_broker, len(topics.OPERATION_PANELS))
    assert set(panels) == {topics.panel(name) for name in topics.OPERATION_PANELS}
    assert said(result, "dashboard")["worker_online"] is True
    say(own_broker, "offline")
    assert runs.run(JOB).success
    expected = {*topics.OPERATION_PANELS, *WORKERS}
    assert set(kept(own_broker, len(expected))) == {topics.panel(name) for name in expected}


def failure(result: dg.ExecuteInProcessResult) -> str:
    (event,) = [event for event in result.all_events if event.is_step_failure]
    told = event.step_failure_data.user_failure_data
    assert told is not None
    return str(told.description)


def test_a_broker_that_is_away_fails_the_op_with_one_line(settings: Settings) -> None:
    away = settings.model_copy(
        update={"mqtt_username": "dagster", "mqtt_password": "x", "mqtt_port": free_port()}
    )
    with pipeline_runs(away) as runs:
        result = runs.run(JOB)
    assert not result.success
    assert Login.from_settings(away).address in failure(result)
    assert "\n" not in failure(result)


def test_a_broker_that_nobody_named_fails_the_op_with_one_line(settings: Settings) -> None:
    with pipeline_runs(settings) as runs:
        result = runs.run(JOB)
    assert not result.success
    assert "no account at the broker is named" in failure(result)
    assert "\n" not in failure(result)
