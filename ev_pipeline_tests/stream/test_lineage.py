"""What Dagster is told of what the stream stored."""

import time
from pathlib import Path
from typing import Any, Final, Literal

import dagster as dg
import pytest

from ev_pipeline.messaging.messages import Message
from ev_pipeline.stack.credentials import DAGSTER
from ev_pipeline.stack.dagster_home import INSTANCE_FILE
from ev_pipeline.stack.shipped import shipped_file
from ev_pipeline.storage.outcomes import Outcome
from ev_pipeline.stream.lineage import HOME_VARIABLE, LABELS, SESSIONS, Lineage
from ev_pipeline.stream.metrics import Metrics
from ev_pipeline_tests.conftest import PostgresServer
from ev_pipeline_tests.messaging.listening import WITHIN_S
from ev_pipeline_tests.stack.processes import wait_until

OFTEN_S: Final = 0.05

LOGGER: Final = "ev_pipeline.stream.lineage"


def came(metrics: Metrics, *decisions: Literal["stored", "duplicate"], after_s: float) -> None:
    """The worker has committed messages of one record each, so long after they came."""
    now_s = time.time()
    messages = [
        Message("ev/sessions/a", b"", received_at_s=now_s - after_s, generation=1, packet_id=1)
        for _ in decisions
    ]
    metrics.took(messages, waiting=0)
    metrics.stored(messages, now_s)
    metrics.decided(
        [
            Outcome(number, None, None, decision, 1, [], [], [])
            for number, decision in enumerate(decisions)
        ]
    )


def told(home: Path, asset: str) -> list[dict[str, Any]]:
    """The metadata of each event that Dagster has of the asset, oldest first."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        records = instance.fetch_materializations(dg.AssetKey(asset), limit=100).records
    events = [record.asset_materialization for record in reversed(records)]
    return [
        {name: value.value for name, value in event.metadata.items()}
        for event in events
        if event is not None
    ]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for Dagster's instance, where nothing is yet."""
    home = tmp_path / "dagster"
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    return home


@pytest.fixture
def instance_home(home: Path) -> Path:
    """A place where Dagster has made its tables: two at once would be in each other's way."""
    home.mkdir()
    assert told(home, SESSIONS) == []
    return home


def test_each_event_has_what_came_since_the_one_before(instance_home: Path) -> None:
    home = instance_home
    metrics = Metrics()
    came(metrics, "stored", after_s=0.004)
    with Lineage(metrics.registry, lambda: "v1", interval_s=OFTEN_S):
        came(metrics, "stored", "stored", "duplicate", after_s=0.004)
        wait_until(lambda: len(told(home, LABELS)) == 1, within_s=WITHIN_S)
        came(metrics, "duplicate", after_s=0.2)
        came(metrics, "stored", after_s=0.2)
        wait_until(lambda: len(told(home, LABELS)) == 2, within_s=WITHIN_S)
    first, second = told(home, SESSIONS)
    assert [first[name] for name in ("stored", "updated", "duplicate")] == [2, 0, 1]
    assert [second[name] for name in ("stored", "updated", "duplicate")] == [1, 0, 1]
    assert first["latency_mean_s"] == pytest.approx(0.004, abs=0.001)
    assert (first["latency_p50_s"], first["latency_p99_s"]) == (0.005, 0.005)
    assert second["latency_p99_s"] == 0.25
    assert first["since"] < second["since"]
    assert [label["labelled"] for label in told(home, LABELS)] == [2, 1]
    assert told(home, LABELS)[0]["model_version"] == "v1"


def test_the_instance_of_the_stack_is_told(
    home: Path, migrated: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    (home / INSTANCE_FILE).write_text(shipped_file(INSTANCE_FILE).read_text())
    monkeypatch.setenv(DAGSTER.variable, migrated.cluster.credentials.url(DAGSTER))
    assert told(home, SESSIONS) == []
    metrics = Metrics()
    with Lineage(metrics.registry, lambda: "v1", interval_s=OFTEN_S):
        came(metrics, "stored", after_s=0.004)
        wait_until(lambda: len(told(home, LABELS)) == 1, within_s=WITHIN_S)
    assert [event["stored"] for event in told(home, SESSIONS)] == [1]


def test_without_a_champion_nothing_is_said_of_labels(instance_home: Path) -> None:
    home = instance_home
    metrics = Metrics()
    with Lineage(metrics.registry, lambda: None, interval_s=OFTEN_S):
        came(metrics, "stored", after_s=0.004)
        wait_until(lambda: len(told(home, SESSIONS)) == 1, within_s=WITHIN_S)
    assert told(home, LABELS) == []


def test_a_dagster_that_is_away_is_logged_once_and_told_of_everything_later(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger=LOGGER)
    metrics = Metrics()

    def logged() -> list[str]:
        return [record.levelname for record in caplog.records if record.name == LOGGER]

    with Lineage(metrics.registry, lambda: "v1", interval_s=OFTEN_S):
        came(metrics, "stored", after_s=0.004)
        wait_until(lambda: logged() == ["WARNING"], within_s=WITHIN_S)
        came(metrics, "stored", after_s=0.004)
        home.mkdir()
        wait_until(lambda: logged() == ["WARNING", "INFO"], within_s=WITHIN_S)
    assert [event["stored"] for event in told(home, SESSIONS)] == [2]
