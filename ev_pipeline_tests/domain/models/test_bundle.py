"""A version's labels: the same alone or among others, for every session, from its artifact."""

from typing import Any

import polars as pl
import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.models.bundle import LABEL_SCHEMA, ModelBundle, bundle, content_hash
from ev_pipeline_tests.domain.models.conftest import train_all


def test_a_session_gets_the_same_label_alone_as_among_all(
    made_model: ModelBundle, made_features: pl.DataFrame
) -> None:
    chosen = made_features.sample(600, seed=1)
    among_all = made_model.label(made_features)
    alone = pl.concat([made_model.label(chosen[row : row + 1]) for row in range(len(chosen))])
    assert alone.equals(
        chosen.select("session_id").join(among_all, on="session_id", maintain_order="left")
    )


def test_labels_depend_on_nothing_but_the_sessions_own_values(
    made_model: ModelBundle, made_features: pl.DataFrame
) -> None:
    foreign = ["user_n_sessions", "user_mean_energy_kwh", "station_n_sessions", "quality"]
    without = made_features.drop(foreign).select(reversed(made_features.drop(foreign).columns))
    assert made_model.label(without).equals(made_model.label(made_features))


EXTREMES: list[dict[str, Any]] = [
    {"duration_h": 1e-9, "mean_power_kw": 1e10},
    {"duration_h": 1e6, "mean_power_kw": 1e-6},
    {"energy_kwh": 5e-324, "mean_power_kw": 5e-324},
    {"energy_kwh": 999.0, "mean_power_kw": 999.0, "duration_h": 1.0},
    {"start_hour": 0.0},
    {"start_hour": 23.9999999},
    {"user_id": None},
    {"station_id": "x" * 10_000},
    {"station_id": "'; drop table -- \N{BELL} \N{RIGHT-TO-LEFT OVERRIDE}"},
    {"scope": "another operator"},
    {"charging_duration_h": None},
]


@pytest.mark.parametrize("change", EXTREMES)
def test_every_session_is_labelled_whatever_its_values(
    made_model: ModelBundle, made_features: pl.DataFrame, change: dict[str, Any]
) -> None:
    odd = made_features[:2].with_columns(
        pl.lit(value, dtype=made_features.schema[name]).alias(name)
        for name, value in change.items()
    )
    labels = made_model.label(odd)
    assert labels.columns == ["session_id", *LABEL_SCHEMA]
    assert not any(labels.null_count().row(0))
    assert (labels["anomaly_score"] >= 0).all()
    assert labels["kmeans_cluster"].is_between(0, 2).all()
    assert (labels["dbscan_cluster"] >= -1).all()


def test_no_sessions_give_no_labels_with_the_same_columns(
    made_model: ModelBundle, made_features: pl.DataFrame
) -> None:
    some, none = made_model.label(made_features[:1]), made_model.label(made_features[:0])
    assert len(none) == 0
    assert none.schema == some.schema


def test_an_artifact_that_changed_is_refused(made_features: pl.DataFrame) -> None:
    parts = {name: part.artifact for name, part in train_all(made_features[:100]).items()}
    artifact = bundle(parts)
    changed = bytearray(artifact)
    changed[len(changed) // 2] ^= 1
    with pytest.raises(PipelineError, match="SHA-256"):
        ModelBundle.from_bytes(bytes(changed), content_hash(artifact))


def test_a_version_without_one_of_its_parts_is_refused() -> None:
    with pytest.raises(PipelineError, match="and these are kmeans"):
        bundle({"kmeans": b""})
