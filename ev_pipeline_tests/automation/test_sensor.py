"""The sensor on a real broker and instance: what it reads, asks for and says."""

import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from ev_pipeline.automation.arrivals import LastRun, Position, RunState
from ev_pipeline.automation.jobs import label_new_sessions
from ev_pipeline.automation.sensors import last_run, new_sessions_sensor
from ev_pipeline.messaging import topics
from ev_pipeline.settings import Settings
from ev_pipeline_tests.conftest import free_port
from ev_pipeline_tests.messaging.listening import WITHIN_S, listening
from ev_pipeline_tests.pipeline_runs import PipelineRuns, pipeline_runs, said
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.storage.sample import sample_sessions, store


def report(broker: RunningBroker, *, state: str = "online", **progress: Any) -> None:
    """The worker says how far it has come."""
    document = {"epoch": "e1", "as_of": 1, "model_version": "v1", **progress}
    with listening(broker.login("stream")) as worker:
        for topic, said_so in ((topics.PROGRESS, document), (topics.STATUS, {"state": state})):
            sent = worker.client.publish(topic, json.dumps(said_so).encode(), is_retained=True)
            assert sent.result(WITHIN_S).is_taken


@pytest.fixture
def sensing(settings: Settings, own_broker: RunningBroker) -> Settings:
    return own_broker.reached_by("dagster", settings)


@pytest.fixture
def runs(sensing: Settings) -> Iterator[PipelineRuns]:
    with pipeline_runs(sensing) as runs:
        yield runs


def tick(runs: PipelineRuns, cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
    """What the sensor says."""
    with dg.build_sensor_context(
        runs.instance, cursor=cursor, definitions=runs.definitions
    ) as context:
        result = new_sessions_sensor(runs.settings)(context)
    assert isinstance(result, dg.SensorResult | dg.SkipReason)
    return result


def test_a_report_asks_for_one_run_and_is_remembered(
    runs: PipelineRuns, own_broker: RunningBroker
) -> None:
    report(own_broker, as_of=7)
    asked = tick(runs)
    assert isinstance(asked, dg.SensorResult)
    assert [request.run_key for request in asked.run_requests or []] == ["e1:7:0"]
    again = tick(runs, asked.cursor)
    assert again == dg.SkipReason("nothing new since change 7")


def test_a_worker_that_is_away_is_said(runs: PipelineRuns, own_broker: RunningBroker) -> None:
    report(own_broker, state="offline")
    assert tick(runs) == dg.SkipReason("the stream is offline: `ev-pipeline up` starts it")


def test_a_broker_that_is_away_is_said(settings: Settings, own_broker: RunningBroker) -> None:
    away = own_broker.reached_by("dagster", settings).model_copy(update={"mqtt_port": free_port()})
    with pipeline_runs(away) as runs:
        said_so = tick(runs)
    assert isinstance(said_so, dg.SkipReason)
    assert said_so.skip_message is not None
    assert said_so.skip_message.startswith("the broker cannot be reached: ")


def test_the_run_labels_and_shows_only_what_is_new(
    runs: PipelineRuns, engine: sa.Engine, own_broker: RunningBroker
) -> None:
    sessions = sample_sessions()
    with engine.begin() as connection:
        store(connection, sessions[:2_000])
    assert runs.run("retrain").success
    with engine.begin() as connection:
        store(connection, sessions[2_000:2_010])
    done = runs.run("label_new_sessions")
    assert done.success
    assert said(done, "session_labels")["labels_written"] == 10
    assert 0 < said(done, "user_features")["rows_made"] <= 10
    assert said(done, "dashboard")
    assert all(check.passed for check in done.get_asset_check_evaluations())
    record = last_run(runs.instance)
    assert isinstance(record, LastRun)
    assert record.state is RunState.SUCCEEDED


def test_a_run_that_failed_is_asked_for_again(
    runs: PipelineRuns, own_broker: RunningBroker
) -> None:
    report(own_broker, as_of=7)
    failed = runs.run(label_new_sessions.name)  # there is no champion
    assert not failed.success
    with dg.build_sensor_context(
        runs.instance, cursor=Position("e1", 7).as_cursor(), definitions=runs.definitions
    ) as context:
        settings = runs.settings.model_copy(update={"label_interval_s": 0.001})
        asked = new_sessions_sensor(settings)(context)
    assert isinstance(asked, dg.SensorResult)
    assert [request.run_key for request in asked.run_requests or []] == ["e1:7:1"]
