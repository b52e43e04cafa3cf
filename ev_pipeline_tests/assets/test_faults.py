"""What is tried again, and what is not: only faults that pass by themselves."""

import shlex
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from ev_pipeline.resources import Database
from ev_pipeline.settings import Settings
from ev_pipeline.storage.faults import is_infrastructure_fault
from ev_pipeline_tests.assets.test_training import DATA, STATIONS, loading
from ev_pipeline_tests.conftest import free_port
from ev_pipeline_tests.pipeline_runs import PipelineRuns, said


def _retries(result: dg.ExecuteInProcessResult, step: str) -> int:
    return sum(event.is_step_up_for_retry for event in result.events_for_node(step))


def _reason(result: dg.ExecuteInProcessResult, step: str) -> str:
    failure = result.failure_data_for_node(step)
    assert failure is not None
    assert failure.error is not None
    return failure.error.to_string()


def test_a_database_that_is_away_is_tried_again_as_often_as_the_resource_says(
    runs: PipelineRuns,
) -> None:
    url = f"postgresql+psycopg2://ev:none@127.0.0.1:{free_port()}/ev"
    away = Database(url=url, max_retries=2, retry_wait_s=0.0)
    nowhere = PipelineRuns(runs.instance, runs.settings, {"database": away})
    result = nowhere.run("retrain", only=["user_features"])
    assert not result.success
    assert _retries(result, "user_features") == 2
    assert "does not answer" in _reason(result, "user_features")


def test_a_connection_that_the_server_closes_is_worth_another_try(
    runs: PipelineRuns, engine: sa.Engine
) -> None:
    with engine.connect() as connection, pytest.raises(sa.exc.OperationalError) as raised:
        connection.exec_driver_sql("select pg_terminate_backend(pg_backend_pid())")
    assert is_infrastructure_fault(raised.value)


def test_a_fault_of_the_schema_fails_at_once(runs: PipelineRuns, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("drop table ev_station_features")
    result = runs.run("retrain", only=["station_features"])
    assert not result.success
    assert _retries(result, "station_features") == 0


def test_a_constraint_that_data_break_fails_at_once(engine: sa.Engine) -> None:
    with engine.connect() as connection, pytest.raises(sa.exc.IntegrityError) as raised:
        connection.exec_driver_sql("insert into ev_reader (reader) values ('nobody')")
    assert not is_infrastructure_fault(raised.value)


def test_what_a_person_must_mend_fails_at_once_and_says_how(runs: PipelineRuns) -> None:
    result = runs.run("retrain", only=["kmeans_model"])
    assert not result.success
    assert _retries(result, "kmeans_model") == 0
    assert "load more sessions" in _reason(result, "kmeans_model")


def test_a_file_that_cannot_be_read_fails_the_step_after_the_others_are_stored(
    runs: PipelineRuns, tmp_path: Path
) -> None:
    missing = {"source": "canonical_stations", "path": str(tmp_path / "missing.csv")}
    result = runs.run(
        "bootstrap",
        only=["ev_station"],
        run_config={"ops": {"ev_station": {"config": {"files": [missing, STATIONS]}}}},
    )
    assert not result.success
    assert "missing.csv" in _reason(result, "ev_station")
    stored = runs.run("bootstrap", only=["ev_station"])
    assert said(stored, "ev_station")["dagster/row_count"] == 40


def test_with_nothing_named_the_records_say_what_is_stored(runs: PipelineRuns) -> None:
    result = runs.run("bootstrap", only=["ev_station", "ev_session"])
    assert result.success
    assert said(result, "ev_session")["dagster/row_count"] == 0
    assert said(result, "ev_session")["files_loaded"] == 0


def test_files_of_the_run_go_before_those_of_the_environment(
    runs: PipelineRuns, settings: Settings
) -> None:
    stations = shlex.quote(f"canonical_stations:{DATA / 'stations.csv'}")
    named = settings.model_copy(update={"bootstrap": stations})
    by_environment = PipelineRuns(runs.instance, named)
    overruled = by_environment.run(
        "bootstrap", only=["ev_station", "ev_session"], run_config=loading()
    )
    assert said(overruled, "ev_station")["files_loaded"] == 0
    followed = by_environment.run("bootstrap", only=["ev_station"])
    assert said(followed, "ev_station")["files_loaded"] == 1
