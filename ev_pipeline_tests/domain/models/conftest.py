"""Trained models and real sets that several tests look at; trained once a run."""

import os

import polars as pl
import pytest

from ev_pipeline.domain.models.bundle import ModelBundle, bundle, content_hash
from ev_pipeline.domain.models.training import (
    TrainedPart,
    train_dbscan,
    train_isolation_forest,
    train_kmeans,
)
from ev_pipeline_tests.domain.models.made_sessions import features_of, make_sessions
from ev_pipeline_tests.domain.models.real_sessions import DATA_PATH, SETS, has_data, real_features

SEED = 7


def train_all(features: pl.DataFrame, *, k: int = 4) -> dict[str, TrainedPart]:
    """The three parts of a version."""
    parts = (
        train_kmeans(features, k=k, seed=SEED),
        train_dbscan(features, seed=SEED),
        train_isolation_forest(features, seed=SEED, false_alarm_rate=0.02),
    )
    return {part.name: part for part in parts}


def bundle_of(parts: dict[str, TrainedPart]) -> ModelBundle:
    """The version, as it comes back from its artifact."""
    artifact = bundle({name: part.artifact for name, part in parts.items()})
    return ModelBundle.from_bytes(artifact, content_hash(artifact))


@pytest.fixture(scope="session")
def made_features() -> pl.DataFrame:
    return features_of(make_sessions(4_000, seed=1))


@pytest.fixture(scope="session")
def made_model(made_features: pl.DataFrame) -> ModelBundle:
    return bundle_of(train_all(made_features, k=3))


@pytest.fixture(scope="session", params=SETS)
def real_set(request: pytest.FixtureRequest) -> pl.DataFrame:
    if not has_data():
        message = f"no real sessions at {DATA_PATH}; set EV_TEST_DATA"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return real_features(request.param)


@pytest.fixture(scope="session")
def real_parts(real_set: pl.DataFrame) -> dict[str, TrainedPart]:
    return train_all(real_set)


@pytest.fixture(scope="session")
def real_model(real_parts: dict[str, TrainedPart]) -> ModelBundle:
    return bundle_of(real_parts)
