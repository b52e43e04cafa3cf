"""What runs when: jobs, their schedule, and what keeps two of them apart."""

import re
from pathlib import Path

import dagster as dg
import pytest

from ev_pipeline.cli.run import JOBS
from ev_pipeline.definitions import build_definitions, definitions
from ev_pipeline.settings import Settings

DAGSTER_YAML = Path(__file__).parents[2] / "dagster.yaml"


def _definitions(settings: Settings) -> dg.Definitions:
    return build_definitions(settings, {"database": None, "settings": settings})


def test_the_definitions_that_dagster_loads_are_valid_and_warn_of_nothing() -> None:
    dg.Definitions.validate_loadable(definitions())


def test_bootstrap_makes_every_asset_and_retrain_all_but_the_records() -> None:
    graph = _definitions(Settings())
    keys = graph.resolve_asset_graph().get_all_asset_keys()
    every = {key.to_user_string() for key in keys}
    assert _assets_of(graph, "bootstrap") == every
    assert _assets_of(graph, "publish_dashboard") == {"dashboard"}
    assert _assets_of(graph, "retrain") == every - {"ev_station", "ev_session"}


def test_the_command_names_every_job() -> None:
    jobs = _definitions(Settings()).resolve_all_job_defs()
    names = {job.name for job in jobs if not job.name.startswith("__")}
    assert names == {*re.split(r", | or ", JOBS.removeprefix("The job: ").rstrip("."))}


def test_what_runs_for_new_sessions_looks_at_nothing_that_grows_with_the_old() -> None:
    graph = _definitions(Settings())
    job = graph.resolve_job_def("label_new_sessions")
    assert {node.name for node in job.nodes} == {
        "user_features",
        "user_features_feature_ranges",
        "station_features",
        "station_features_feature_ranges",
        "session_labels",
        "session_labels_no_session_waits_for_its_label",
        "drift_report",
        "dashboard",
    }


def test_the_sensor_is_on_from_the_start() -> None:
    sensor = _definitions(Settings()).resolve_sensor_def("new_sessions_sensor")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.minimum_interval_seconds == 5


def test_runs_that_train_or_label_wait_for_each_other_however_they_are_started() -> None:
    graph = _definitions(Settings()).resolve_asset_graph()
    pools = {key.to_user_string(): graph.get(key).pools for key in graph.get_all_asset_keys()}
    apart = {"ev_station", "ev_session", "dashboard"}
    assert all(pools[name] == {"models"} for name in set(pools) - apart)
    assert "granularity: run" in DAGSTER_YAML.read_text()


def test_retrain_runs_every_check() -> None:
    graph = _definitions(Settings())
    steps = {node.name for node in graph.resolve_job_def("retrain").nodes}
    every = graph.resolve_asset_graph().asset_check_keys
    assert {f"{key.asset_key.to_user_string()}_{key.name}" for key in every} <= steps


def test_retraining_is_scheduled_in_the_reporting_zone_and_on_from_the_start() -> None:
    settings = Settings(timezone="Europe/London", retrain_cron="15 3 * * *")
    schedule = _definitions(settings).resolve_schedule_def("nightly_retrain")
    assert schedule.job_name == "retrain"
    assert schedule.cron_schedule == "15 3 * * *"
    assert schedule.execution_timezone == "Europe/London"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def test_the_databases_password_is_in_no_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EV_DATABASE_URL", "postgresql+psycopg2://ev:secret@127.0.0.1:1/ev")
    resources = definitions().resources
    assert resources is not None
    assert resources["database"].url is None
    assert "secret" not in repr(resources["settings"])


def _assets_of(graph: dg.Definitions, job: str) -> set[str]:
    keys = graph.resolve_job_def(job).asset_layer.executable_asset_keys
    return {key.to_user_string() for key in keys}
