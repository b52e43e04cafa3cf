"""Sums of labels equal a count of all labels, whatever was folded, stored, corrected or deleted."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline.storage.frames import read_frame
from ev_pipeline.storage.label_sums import fold_label_sums
from ev_pipeline.storage.panel_labels import reasons_by_code, summarise, sums_by_cluster
from ev_pipeline.storage.panel_snapshot import open_snapshot
from ev_pipeline.storage.promotion import label_for_champion, promote
from ev_pipeline_tests.storage.sample import correct, delete, sample_sessions, store
from ev_pipeline_tests.storage.trained import register

NOW = datetime(2026, 2, 1, 3, tzinfo=UTC)
LABELLED = """
    select kmeans_cluster, energy_kwh, is_anomaly, dbscan_cluster < 0 as is_noise,
        extract(epoch from ended_at - started_at)::float8 / 3600 as duration_h,
        array(select reason ->> 'code' from jsonb_array_elements(anomaly_reasons) reason) as codes
    from ev_session_labelled where model_version is not null
"""


@pytest.fixture
def champion(engine: sa.Engine) -> str:
    """A champion that has labelled half of the sample's first part."""
    with engine.begin() as connection:
        store(connection, sample_sessions()[:2000:2])
    version = register(engine, 1)
    promote(engine, version, reason="first", promoted_at=NOW)
    return version


def _sums(engine: sa.Engine, settings: Settings) -> tuple[list[dict[str, Any]], dict[str, int]]:
    with open_snapshot(engine, settings) as snapshot:
        sums = sums_by_cluster(snapshot)
    codes = {row["code"]: row["n_sessions"] for row in reasons_by_code(sums)}
    return summarise(sums, {"0": "short"}), codes


def _assert_counted(engine: sa.Engine, settings: Settings) -> None:
    """The sums, as panels show them, are those of the labels, one by one."""
    labelled = read_frame(engine, LABELLED)
    clusters = labelled.group_by("kmeans_cluster").agg(
        n_sessions=pl.len(),
        n_noise=pl.col("is_noise").sum(),
        n_anomalies=pl.col("is_anomaly").sum(),
        median_energy_kwh=pl.col("energy_kwh").quantile(0.5, "lower"),
        median_duration_h=pl.col("duration_h").quantile(0.5, "lower"),
    )
    shown, codes = _sums(engine, settings)
    expected = clusters.sort("kmeans_cluster").rows(named=True)
    assert len(shown) == len(expected)
    for row, counted in zip(shown, expected, strict=True):
        assert {name: row[name] for name in counted} == pytest.approx(counted, rel=0.01)
        assert row["n_sessions"] == counted["n_sessions"]
    assert sum(row["share"] for row in shown) == pytest.approx(1)
    reasons = labelled.filter("is_anomaly").explode("codes")["codes"].drop_nulls()
    assert codes == dict(reasons.value_counts().iter_rows())


def test_sums_are_exact_after_any_change_folded_or_not(
    engine: sa.Engine, settings: Settings, champion: str
) -> None:
    _assert_counted(engine, settings)
    fold_label_sums(engine)
    _assert_counted(engine, settings)
    ids = sample_sessions()[:2000:2]["session_id"].to_list()
    with engine.begin() as connection:
        store(connection, sample_sessions()[1:2000:2])
        correct(connection, ids[0], energy_kwh=140.0)
        delete(connection, ids[1:400:7])
    _assert_counted(engine, settings)
    fold_label_sums(engine)
    _assert_counted(engine, settings)
    label_for_champion(engine, labelled_at=NOW)
    _assert_counted(engine, settings)
    fold_label_sums(engine)
    _assert_counted(engine, settings)
    assert [row["cluster_name"] for row in _sums(engine, settings)[0]][:2] == ["short", None]


def test_labels_that_were_counted_are_not_looked_at_again(
    engine: sa.Engine, settings: Settings, champion: str
) -> None:
    fold_label_sums(engine)
    before = _sums(engine, settings)
    with engine.begin() as connection:
        connection.exec_driver_sql("truncate ev_session_label")
    assert _sums(engine, settings) == before


def test_another_champion_has_sums_of_its_own(
    engine: sa.Engine, settings: Settings, champion: str
) -> None:
    fold_label_sums(engine)
    promote(engine, register(engine, 2), reason="second", promoted_at=NOW)
    _assert_counted(engine, settings)
    fold_label_sums(engine)
    _assert_counted(engine, settings)
    promote(engine, champion, reason="rollback", promoted_at=NOW)
    _assert_counted(engine, settings)
