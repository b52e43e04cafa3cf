"""What monitoring sees of the worker: presence, progress, metrics."""

import json
import math
from contextlib import closing
from typing import Any
from urllib.request import urlopen

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging import topics
from ev_pipeline.settings import Settings
from ev_pipeline.stack.credentials import OWNER
from ev_pipeline.storage.engine import connect
from ev_pipeline.storage.ledger import read_epoch
from ev_pipeline.storage.promotion import promote
from ev_pipeline.stream.metrics import METRICS_HOST, Metrics
from ev_pipeline.stream.status_figures import StreamFigures
from ev_pipeline_tests.conftest import PostgresServer, free_port
from ev_pipeline_tests.messaging.listening import WITHIN_S, Listener
from ev_pipeline_tests.panels.schemas import problems
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.storage.trained import TRAINED_AT, register
from ev_pipeline_tests.stream.streams import (
    a_session,
    charging,
    dashboard,
    running_stream,
    streaming_settings,
)

LEDGER = ("received", "stored", "updated", "duplicate", "quarantined")


def heard(listener: Listener, schema: str, **expected: object) -> dict[str, Any]:
    """The next document with these values; each that comes before is what its schema says too."""
    while True:
        message = listener.take()
        assert problems(schema, message.payload) == []
        document: dict[str, Any] = json.loads(message.payload)
        if expected.items() <= document.items():
            return document


def test_presence_is_told_with_the_champion_and_the_end_of_it(
    engine: sa.Engine, settings: Settings, broker: RunningBroker, champion: str
) -> None:
    with dashboard(broker, topics.STATUS) as screen:
        with running_stream(engine, streaming_settings(settings, broker)):
            online = heard(screen, "status", state="online", model_version=champion)
        offline = heard(screen, "status", state="offline")
    assert online["pid"] == offline["pid"]
    assert online["since"] <= offline["since"]


def test_progress_is_the_ledgers_sums_and_the_change_logs_position(
    engine: sa.Engine, settings: Settings, broker: RunningBroker, champion: str
) -> None:
    with (
        dashboard(broker, topics.PROGRESS) as screen,
        running_stream(engine, streaming_settings(settings, broker)),
        charging(broker) as charger,
    ):
        for payload in (a_session("S-1"), a_session("S-1"), a_session("S-2", energy_kwh=-1)):
            charger.send(payload)
        charger.send(a_session("S-3", connector_id="2"))
        progress = heard(screen, "progress", received=4, stored=2)
    assert [progress[name] for name in LEDGER] == [4, 2, 0, 1, 1]
    with engine.connect() as connection:
        position = connection.execute(sa.text("select max(seq) from ev_session_change")).scalar()
        assert progress["as_of"] == position
        assert progress["epoch"] == read_epoch(connection)
    assert progress["model_version"] == champion
    assert progress["in_flight"] == progress["redelivered"] == 0
    assert 0 <= progress["lag_seconds"] < WITHIN_S


def test_progress_moves_with_what_was_only_refused_and_with_the_champion(
    engine: sa.Engine, settings: Settings, broker: RunningBroker, champion: str
) -> None:
    with (
        dashboard(broker, topics.PROGRESS) as screen,
        running_stream(engine, streaming_settings(settings, broker)),
        charging(broker) as charger,
    ):
        before = heard(screen, "progress", model_version=champion, received=0)
        charger.send(b"rubbish")
        refused = heard(screen, "progress", received=1, quarantined=1)
        assert refused["as_of"] == before["as_of"]
        heard(screen, "progress", model_version=promoted(settings, seed=2))


def test_another_database_is_another_epoch_even_if_it_is_a_copy(
    engine: sa.Engine, migrated: PostgresServer
) -> None:
    copy = f"{engine.url.database}_copy"
    migrated.copy_database(copy)
    other = connect(Settings(database_url=migrated.url(OWNER.role, copy)))
    try:
        with engine.connect() as one, one.begin(), other.connect() as two:
            before = read_epoch(one)
            assert read_epoch(one) == before
            assert read_epoch(two) != before
            one.execute(sa.text("create table made_anew (like ev_ledger)"))
            one.execute(sa.text("alter table ev_ledger rename to went"))
            one.execute(sa.text("alter table made_anew rename to ev_ledger"))
            assert read_epoch(one) != before
    finally:
        other.dispose()
        migrated.execute(f"DROP DATABASE {copy} WITH (FORCE)")


def page(port: int) -> dict[str, float]:
    """Every figure on the page of metrics, with its label's value behind a colon."""
    with closing(urlopen(f"http://{METRICS_HOST}:{port}/metrics", timeout=WITHIN_S)) as answer:
        text = answer.read().decode()
    return {
        ":".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def promoted(settings: Settings, *, seed: int) -> str:
    """A new champion, by connections that are none of the worker's."""
    engine = connect(settings)
    version = register(engine, seed)
    promote(engine, version, reason="better", promoted_at=TRAINED_AT)
    engine.dispose()
    return version


def test_metrics_count_what_came_how_long_it_took_and_who_labels(
    engine: sa.Engine, settings: Settings, broker: RunningBroker, champion: str
) -> None:
    streaming = streaming_settings(settings, broker)
    port = streaming.metrics_port
    with running_stream(engine, streaming), charging(broker) as charger:
        assert page(port)["ev_stream_up"] == 1
        assert page(port)[f"ev_stream_champion:{champion}"] == 1
        assert math.isnan(page(port)["ev_stream_lag_seconds"])
        for payload in (a_session("S-1"), a_session("S-1"), a_session("S-2", energy_kwh=-1)):
            charger.send(payload)
        wait_until(
            lambda: page(port).get("ev_stream_quarantined_total:no_energy") == 1, within_s=WITHIN_S
        )
        shown = page(port)
        assert shown["ev_stream_messages_total:first"] == 3
        assert shown["ev_stream_records_total:stored"] == 1
        assert shown["ev_stream_records_total:duplicate"] == 1
        assert shown["ev_stream_records_total:quarantined"] == 1
        assert shown["ev_stream_batch_messages_sum"] == 3
        assert 1 <= shown["ev_stream_commit_seconds_count"] <= 3
        assert shown["ev_stream_commit_seconds_sum"] > 0
        assert shown["ev_stream_stored_seconds_count"] == 3
        assert shown["ev_stream_stored_seconds_sum"] >= shown["ev_stream_lag_seconds"] > 0
        assert shown["ev_stream_in_flight"] == 0
        figures = StreamFigures.read_from(port)
        assert figures.lag_seconds == shown["ev_stream_lag_seconds"]
        challenger = promoted(settings, seed=2)
        charger.send(a_session("S-4"))
        wait_until(lambda: f"ev_stream_champion:{challenger}" in page(port), within_s=WITHIN_S)
        assert f"ev_stream_champion:{champion}" not in page(port)
    assert not any(charger.name in name or "U-1" in name for name in shown)
    assert StreamFigures.read_from(port) == StreamFigures(None, None)


def test_a_port_that_is_taken_is_one_line_with_the_mend() -> None:
    port = free_port()
    with (
        Metrics().page(METRICS_HOST, port),
        pytest.raises(PipelineError, match="set EV_METRICS_PORT to another") as caught,
        Metrics().page(METRICS_HOST, port),
    ):
        pass
    assert f"{METRICS_HOST}:{port}" in str(caught.value)
