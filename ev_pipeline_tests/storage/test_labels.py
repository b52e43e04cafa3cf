"""Labels: every stored session has the champion's, also while sessions come, change and go."""

from datetime import UTC, datetime

import polars as pl
import pytest
import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.models.bundle import ModelBundle, content_hash
from ev_pipeline.storage.frames import read_frame
from ev_pipeline.storage.labels import summarise_labels
from ev_pipeline.storage.promotion import label_for_champion, promote
from ev_pipeline_tests.storage.sample import correct, delete, sample_sessions, store
from ev_pipeline_tests.storage.trained import artifact_of, own_features, register

NOW = datetime(2026, 2, 1, 3, tzinfo=UTC)
MISSING = """
    select count(*) from ev_session s where not exists (
        select from ev_session_label l join ev_model m on m.version = l.model_version
        where m.is_champion and l.session_id = s.session_id and l.session_revision = s.revision)
"""
ORPHANED = """
    select count(*) from ev_session_label l
    where not exists (select from ev_session s where s.session_id = l.session_id)
"""


@pytest.fixture
def champion(engine: sa.Engine) -> str:
    """A champion that has labelled the sample's first half."""
    with engine.begin() as connection:
        store(connection, sample_sessions()[::2])
    version = register(engine, 1)
    promote(engine, version, reason="first", promoted_at=NOW)
    return version


def _count(engine: sa.Engine, sql: str) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(sql).scalar_one())


def _label(engine: sa.Engine) -> int:
    return label_for_champion(engine, labelled_at=NOW).n_labels


def test_stored_labels_are_what_the_model_says_of_each_session(
    engine: sa.Engine, champion: str
) -> None:
    artifact = artifact_of(1)
    model = ModelBundle.from_bytes(artifact, content_hash(artifact))
    columns = ["session_id", "kmeans_cluster", "dbscan_cluster", "anomaly_score", "is_anomaly"]
    expected = model.label(own_features(sample_sessions()[::2])).select(columns)
    stored = read_frame(engine, f"select {', '.join(columns)} from ev_session_labelled")
    assert stored.sort("session_id").equals(expected.sort("session_id"))


def test_the_reasons_of_an_anomaly_are_stored_in_words_with_numbers(
    engine: sa.Engine, champion: str
) -> None:
    without_words = """
        select count(*) from ev_session_labelled, jsonb_array_elements(anomaly_reasons) reason
        where not (reason ?& array['code', 'message', 'value', 'expected'])
            or length(reason ->> 'message') < 10
    """
    assert _count(engine, without_words) == 0
    assert _count(engine, "select count(*) from ev_session_labelled where is_anomaly") > 0


def test_only_sessions_stored_since_are_labelled(engine: sa.Engine, champion: str) -> None:
    assert _label(engine) == 0
    later = sample_sessions()[1::2]
    with engine.begin() as connection:
        store(connection, later)
    assert _label(engine) == len(later)
    assert _count(engine, MISSING) == 0
    assert _label(engine) == 0


def test_a_corrected_session_is_labelled_again_and_a_deleted_one_loses_its_label(
    engine: sa.Engine, champion: str
) -> None:
    ids = sample_sessions()[::2]["session_id"].to_list()
    with engine.begin() as connection:
        correct(connection, ids[0], energy_kwh=140.0)
        delete(connection, ids[1:4])
    assert _count(engine, ORPHANED) == 3
    assert _label(engine) == 1
    assert (_count(engine, MISSING), _count(engine, ORPHANED)) == (0, 0)


def test_a_label_changes_only_with_a_correction_or_another_champion(
    engine: sa.Engine, champion: str
) -> None:
    labels = """
        select l.session_id, l.session_revision, l.kmeans_cluster, l.dbscan_cluster,
            l.anomaly_score, l.is_anomaly, l.anomaly_reasons, l.labelled_at
        from ev_session_label l join ev_model m on m.version = l.model_version and m.is_champion
        order by l.session_id
    """
    before = read_frame(engine, labels)
    corrected = before["session_id"][0]
    with engine.begin() as connection:
        store(connection, sample_sessions()[1::2])
        correct(connection, corrected, energy_kwh=140.0)
    assert label_for_champion(engine, labelled_at=NOW.replace(day=2)).version == champion
    after = read_frame(engine, labels)
    others = before.filter(pl.col("session_id") != corrected)
    kept = after.filter(pl.col("session_id").is_in(others["session_id"].implode()))
    assert kept.equals(others)
    anew = after.row(by_predicate=pl.col("session_id") == corrected, named=True)
    assert anew["session_revision"] == 2
    promote(engine, register(engine, 2), reason="second", promoted_at=NOW)
    promote(engine, champion, reason="back", promoted_at=NOW)
    back = read_frame(engine, labels).filter(
        pl.col("session_id").is_in(others["session_id"].implode())
    )
    assert back.drop("labelled_at").equals(others.drop("labelled_at"))


def test_what_a_long_transaction_commits_late_is_labelled_too(
    engine: sa.Engine, champion: str
) -> None:
    rest = sample_sessions()[1::2]
    with engine.connect() as slow:
        store(slow, rest[:50])
        with engine.begin() as quick:
            store(quick, rest[50:80])
        assert _label(engine) == 30
        slow.commit()
    assert _label(engine) == 50
    assert _count(engine, MISSING) == 0


def test_where_nothing_is_known_all_sessions_are_looked_at(
    engine: sa.Engine, champion: str
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("delete from ev_reader")
        connection.exec_driver_sql(
            "delete from ev_session_label where session_id in"
            " (select session_id from ev_session order by session_id limit 7)"
        )
    assert _label(engine) == 7
    assert _count(engine, MISSING) == 0


def test_the_summary_of_labels_counts_every_session_once(engine: sa.Engine, champion: str) -> None:
    summary = summarise_labels(engine, champion)
    assert summary["n_sessions"].sum() == len(sample_sessions()[::2])
    assert summary["share"].sum() == pytest.approx(1)
    medians = (
        read_frame(
            engine,
            "select kmeans_cluster, energy_kwh from ev_session_labelled",
        )
        .group_by("kmeans_cluster")
        .agg(pl.median("energy_kwh"))
    )
    assert summary["median_energy_kwh"].to_list() == pytest.approx(
        medians.sort("kmeans_cluster")["energy_kwh"].to_list()
    )


def test_without_a_champion_nothing_is_labelled_and_the_error_says_what_to_do(
    engine: sa.Engine,
) -> None:
    with pytest.raises(PipelineError, match="ev-pipeline run retrain"):
        _label(engine)
