"""Panels and answers are what their schemas say, empty, filled and labelled."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from jsonschema import Draft202012Validator

from ev_pipeline.domain.models.profiles import profile_clusters
from ev_pipeline.messaging import topics
from ev_pipeline.panels.envelope import encode
from ev_pipeline.panels.period_request import answer_request
from ev_pipeline.panels.rounds import build_round
from ev_pipeline.panels.state_panels import StreamState
from ev_pipeline.settings import Settings
from ev_pipeline.storage.profiles import replace_profiles
from ev_pipeline.storage.promotion import promote
from ev_pipeline_tests.domain.models.test_profiles import sessions_of_clusters
from ev_pipeline_tests.intake.files import rows
from ev_pipeline_tests.intake.loader import Loader
from ev_pipeline_tests.panels.made_sessions import sessions_about_clock_changes
from ev_pipeline_tests.panels.schemas import NAMES, problems, schema
from ev_pipeline_tests.storage.trained import register

PANELS = [*topics.STREAM_PANELS, *topics.OPERATION_PANELS]
NOW = datetime(2024, 11, 5, 12, tzinfo=UTC)


def build(engine: sa.Engine, settings: Settings, **given: Any) -> dict[str, dict[str, Any]]:
    return build_round(engine, settings, PANELS, generated_at=NOW, **given)


def assert_valid(panels: dict[str, dict[str, Any]]) -> None:
    for name, document in panels.items():
        assert problems(name, encode(document)) == [], name


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one_and_says_what_it_is_about(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))
    assert schema(name)["description"]


def test_every_panel_has_a_schema_and_every_other_schema_a_message() -> None:
    messages = {
        *("period_request", "period_answer", "predict_answer"),
        *("rejection", "progress", "status", "alert"),
    }
    assert set(NAMES) == {*PANELS, *messages}


def test_panels_of_an_empty_database_are_valid(engine: sa.Engine, settings: Settings) -> None:
    assert_valid(build(engine, settings))


def test_between_two_panels_of_a_round_others_may_have_the_machine(
    engine: sa.Engine, settings: Settings
) -> None:
    taken_s: list[float] = []
    assert set(build(engine, settings, rest=taken_s.append)) == set(PANELS)
    assert len(taken_s) == len(PANELS) - 1
    assert min(taken_s) > 0


def test_panels_of_labelled_sessions_are_valid_and_show_the_champions_labels(
    engine: sa.Engine, settings: Settings, load: Loader
) -> None:
    load.registry({"station_id": "A", "connectors": 2, "latitude": 38.7, "longitude": -9.1})
    load(*sessions_about_clock_changes())
    version = register(engine, 1)
    promote(engine, version, reason="it is the first", promoted_at=NOW)
    stream = StreamState(in_flight=0, redelivered=0, queue_depth=3, lag_seconds=0.01)
    panels = build(engine, settings, stream=stream)
    assert_valid(panels)
    assert {panel["model_version"] for panel in panels.values()} == {version}
    clusters = "select kmeans_cluster, count(*) from ev_session_labelled group by 1 order by 1"
    shown = panels["clusters"]["data"]["clusters"]
    assert [(row["kmeans_cluster"], row["n_sessions"]) for row in shown] == rows(engine, clusters)
    assert sum(row["share"] for row in shown) == pytest.approx(1)
    assert all(row["hour_shares"] is None for row in shown)
    odd = "select count(*) from ev_session_labelled where is_anomaly"
    assert [panels["anomalies"]["data"]["n_anomalies"]] == rows(engine, odd)
    listed = panels["anomalies"]["data"]["newest"]
    assert listed
    for row in listed:
        assert row["cluster_reasons"]["centres"][0]["cluster"] == row["kmeans_cluster"]
    assert all(row["kmeans_cluster"] is not None for row in panels["live"]["data"])
    assert panels["pipeline"]["data"]["champion"]["version"] == version


def test_the_clusters_panel_has_profiles_and_says_in_words_that_groups_are_no_better_than_chance(
    engine: sa.Engine, settings: Settings, load: Loader
) -> None:
    load(*sessions_about_clock_changes())
    version = register(engine, 1)
    promote(engine, version, reason="it is the first", promoted_at=NOW)
    numbers = [0, 1, 2, 3]
    profiled = profile_clusters(
        sessions_of_clusters(numbers), {each: str(each) for each in numbers}
    )
    replace_profiles(engine, version, profiled)
    with engine.begin() as connection:
        connection.exec_driver_sql("update ev_model set verdict = 'no structure'")
    panels = build(engine, settings)
    assert_valid(panels)
    data = panels["clusters"]["data"]
    assert "no better than chance" in data["notice"]
    assert all(sum(row["hour_shares"]) == pytest.approx(1) for row in data["clusters"])
    assert all(sum(row["weekday_shares"]) == pytest.approx(1) for row in data["clusters"])


def test_a_field_that_no_schema_names_is_found(engine: sa.Engine, settings: Settings) -> None:
    summary = build(engine, settings)["summary"]
    summary["data"]["surprise"] = 1
    assert problems("summary", encode(summary))


def test_answers_to_period_questions_are_valid_good_and_bad(
    engine: sa.Engine, settings: Settings, load: Loader
) -> None:
    load(*sessions_about_clock_changes())
    question = {"query": "period", "from": "2024-03-01", "to": "2024-03-31"}
    for asked in (question, {**question, "to": "2024-02-01"}, {}):
        answer = answer_request(engine, settings, json.dumps(asked).encode())
        assert problems("period_answer", answer) == []
