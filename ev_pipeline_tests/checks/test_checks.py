"""Each check fails on the very fault that it is for, and on nothing else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from ev_pipeline.checks import features, labels, records
from ev_pipeline.intake.load import load_file
from ev_pipeline.resources import Database
from ev_pipeline.settings import Settings
from ev_pipeline.storage.promotion import promote
from ev_pipeline_tests.assets.test_training import SESSIONS, STATIONS, loading
from ev_pipeline_tests.intake.files import CANONICAL, a_session, write_sessions
from ev_pipeline_tests.pipeline_runs import PipelineRuns, checks_of
from ev_pipeline_tests.storage.sample import sample_sessions, store
from ev_pipeline_tests.storage.test_promotion import NOW
from ev_pipeline_tests.storage.trained import register


@pytest.fixture
def database(settings: Settings) -> Database:
    return Database(url=str(settings.database_url), max_retries=0, retry_wait_s=0.0)


@pytest.fixture
def loaded(runs: PipelineRuns) -> PipelineRuns:
    """The sample's files, loaded through intake."""
    result = runs.run(
        "bootstrap", only=["ev_station", "ev_session"], run_config=loading(STATIONS, SESSIONS)
    )
    assert all(checks_of(result).values())
    return runs


def _break(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def _result(result: object) -> dg.AssetCheckResult:
    assert isinstance(result, dg.AssetCheckResult)
    return result


def test_a_lost_session_a_doubled_source_id_and_a_bad_source_are_each_found(
    loaded: PipelineRuns, database: Database, engine: sa.Engine, settings: Settings
) -> None:
    assert _result(records.ledger_adds_up(database)).passed
    _break(engine, "update ev_ledger set received = received + 1, duplicate = duplicate + 1")
    assert not _result(records.ledger_adds_up(database)).passed
    _break(engine, "update ev_ledger set received = received - 1, duplicate = duplicate - 1")
    _break(
        engine,
        "delete from ev_session where session_id = (select min(session_id::text)::uuid"
        " from ev_session)",
    )
    assert not _result(records.ledger_adds_up(database)).passed
    assert _result(records.no_duplicate_ids(database)).passed
    _break(
        engine,
        "update ev_session set source_session_id = 'same' where session_id in"
        " (select session_id from ev_session limit 2)",
    )
    assert not _result(records.no_duplicate_ids(database)).passed
    assert _result(records.quarantined_share(database, settings)).passed
    strict = settings.model_copy(update={"max_quarantined_share": 0.001})
    warned = _result(records.quarantined_share(database, strict))
    assert (warned.passed, warned.severity) == (False, dg.AssetCheckSeverity.WARN)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("start_hour", "24"),
        ("weekday", "0"),
        ("duration_h", "0"),
        ("energy_kwh", "'NaN'"),
        ("mean_power_kw", "'infinity'"),
        ("is_night", "2"),
        ("station_n_sessions", "0"),
    ],
)
def test_a_feature_out_of_its_range_is_found(
    database: Database, engine: sa.Engine, column: str, value: str
) -> None:
    row = {
        "session_id": "'00000000-0000-0000-0000-000000000001'",
        "revision": "1",
        "scope": "'a'",
        "station_id": "'b'",
        "quality": "'valid'",
        "started_at": "now()",
        "start_hour": "3",
        "weekday": "1",
        "duration_h": "2",
        "energy_kwh": "10",
        "mean_power_kw": "5",
        "quality_codes": "'{}'",
        "is_night": "1",
        "is_morning": "0",
        "is_afternoon": "0",
        "is_evening": "0",
        "station_n_sessions": "1",
        "station_mean_energy_kwh": "10",
        "station_mean_duration_h": "2",
        "station_daily_energy_kwh": "10",
    }
    _break(
        engine,
        f"insert into ev_session_features ({', '.join(row)}) values ({', '.join(row.values())})",
    )
    assert _result(features.session_feature_ranges(database)).passed
    _break(engine, f"update ev_session_features set {column} = {value}")
    assert not _result(features.session_feature_ranges(database)).passed


def test_out_of_range_features_keep_models_from_training(
    runs: PipelineRuns, engine: sa.Engine
) -> None:
    with engine.begin() as connection:
        store(connection, sample_sessions())
        connection.exec_driver_sql(
            "update ev_session set energy_kwh = 'infinity' where ctid = '(0,1)'"
        )
    result = runs.run("retrain")
    assert not result.success
    assert not checks_of(result)["session_features", "feature_ranges"]
    materialized = {event.asset_key for event in result.get_asset_materialization_events()}
    assert dg.AssetKey("kmeans_model") not in materialized
    assert dg.AssetKey("session_features") in materialized


def test_a_session_without_the_champions_label_and_one_group_for_all_are_found(
    database: Database, engine: sa.Engine
) -> None:
    with engine.begin() as connection:
        store(connection, sample_sessions())
    assert not _result(labels.every_session_labelled(database)).passed
    promote(engine, register(engine, 1), reason="first", promoted_at=NOW)
    assert _result(labels.every_session_labelled(database)).passed
    assert _result(labels.no_cluster_over_95_percent(database)).passed
    _break(
        engine,
        "update ev_session set revision = 2 where session_id in"
        " (select session_id from ev_session limit 1)",
        "update ev_session_label set kmeans_cluster = 0",
    )
    unlabelled = _result(labels.every_session_labelled(database))
    assert not unlabelled.passed
    assert unlabelled.metadata["unlabelled"].value == 1
    warned = _result(labels.no_cluster_over_95_percent(database))
    assert (warned.passed, warned.severity) == (False, dg.AssetCheckSeverity.WARN)


def test_a_bad_new_file_warns_although_much_good_came_before_and_does_not_for_ever(
    loaded: PipelineRuns,
    database: Database,
    engine: sa.Engine,
    settings: Settings,
    tmp_path: Path,
) -> None:
    assert _result(records.quarantined_share(database, settings)).passed
    bad = [a_session(session_id=f"bad-{n}", energy_kwh=n % 2) for n in range(10)]
    path = write_sessions(tmp_path / "bad.json", bad)
    load_file(engine, settings, CANONICAL, path)
    warned = _result(records.quarantined_share(database, settings))
    assert not warned.passed
    shown: dict[str, Any] = {name: value.value for name, value in warned.metadata.items()}
    assert (shown["source"], shown["received"], shown["share"]) == ("canonical", 10, 0.5)
    assert shown["received_ever"] > 7_000
    in_a_week = datetime.now(UTC) + timedelta(days=records.JUDGED_DAYS, minutes=1)
    assert records.worst_delivery(engine, in_a_week) == {}
