"""KMeans: behaviours recovered, numbers that do not depend on chance."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.models import kmeans
from ev_pipeline.domain.models.kmeans import KMeansModel
from ev_pipeline.domain.models.values import SessionValues, session_values
from ev_pipeline.domain.models.view import fit_sessions
from ev_pipeline_tests.domain.models.made_sessions import features_of, make_sessions


def _values(features: pl.DataFrame) -> SessionValues:
    return session_values(fit_sessions(features))


def test_behaviours_that_differ_become_clusters() -> None:
    sessions = make_sessions(3_000, seed=2)
    features = fit_sessions(features_of(sessions))
    truth = features.join(sessions.select("session_id", "behaviour"), on="session_id")
    model = KMeansModel.fit(session_values(features), k=3, seed=1)
    found = model.predict(session_values(truth))
    assert adjusted_rand_score(truth["behaviour"].to_numpy(), found) > 0.95


def test_the_largest_cluster_is_number_nought(made_features: pl.DataFrame) -> None:
    values = _values(made_features)
    sizes = np.bincount(KMeansModel.fit(values, k=5, seed=1).predict(values))
    assert sizes.tolist() == sorted(sizes, reverse=True)


def test_seeds_that_find_the_same_clusters_number_them_alike(made_features: pl.DataFrame) -> None:
    values = _values(made_features)
    one, other = (KMeansModel.fit(values, k=3, seed=seed).predict(values) for seed in (1, 2))
    assert (one == other).all()


def test_the_centre_that_predicts_is_the_nearest(made_features: pl.DataFrame) -> None:
    values = _values(made_features)
    model = KMeansModel.fit(values, k=4, seed=1)
    rows = model.view.transform(values).T
    by_hand = np.linalg.norm(rows[:, np.newaxis] - model.centres, axis=2)
    np.testing.assert_allclose(model.distances(values).T, by_hand)
    assert (model.predict(values) == by_hand.argmin(axis=1)).all()


def test_many_sessions_are_fitted_on_a_sample(
    made_features: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = _values(made_features)
    whole = KMeansModel.fit(values, k=3, seed=1).predict(values)
    monkeypatch.setattr(kmeans, "MAX_FIT_SESSIONS", 1_000)
    sampled = KMeansModel.fit(values, k=3, seed=1).predict(values)
    assert adjusted_rand_score(whole, sampled) > 0.98


def test_fewer_different_sessions_than_clusters_are_an_error(made_features: pl.DataFrame) -> None:
    columns = ["start_hour", "duration_h", "energy_kwh", "mean_power_kw"]
    alike = made_features[:50].with_columns(pl.col(columns).first())
    with pytest.raises(PipelineError, match="at least 2 different sessions, and there are 1"):
        KMeansModel.fit(_values(alike), k=2, seed=1)
