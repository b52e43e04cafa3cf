"""DBSCAN: exact against scikit-learn's, with a prediction, in bounded memory."""

import numpy as np
import polars as pl
import pytest
from sklearn.cluster import DBSCAN
from sklearn.metrics import adjusted_rand_score

from ev_pipeline.domain.models import dbscan
from ev_pipeline.domain.models.components import connect
from ev_pipeline.domain.models.dbscan import MIN_SAMPLES, NOISE, DbscanModel
from ev_pipeline.domain.models.nearest import nearest_neighbours
from ev_pipeline.domain.models.values import Floats, SessionValues, session_values
from ev_pipeline.domain.models.view import fit_sessions


def _values(features: pl.DataFrame) -> SessionValues:
    return session_values(fit_sessions(features))


def _points(model: DbscanModel, values: SessionValues) -> Floats:
    return np.vstack([model.view.transform(values), model.deviation.transform(values)]).T


def test_core_points_are_grouped_as_scikit_learn_groups_them(made_features: pl.DataFrame) -> None:
    values = _values(made_features)
    model = DbscanModel.fit(values, seed=1)
    theirs = DBSCAN(eps=model.eps, min_samples=MIN_SAMPLES).fit(_points(model, values))
    core_labels = theirs.labels_[theirs.core_sample_indices_]
    assert len(model.core) == len(core_labels)
    assert adjusted_rand_score(core_labels, model.core_cluster) == 1.0


@pytest.mark.parametrize("seed", range(8))
def test_chains_of_small_steps_connect_exactly(seed: int) -> None:
    random = np.random.default_rng(seed)
    points = random.normal(size=(400, 2)) * random.choice([0.3, 1.0, 3.0], size=(400, 1))
    eps = 0.35
    distances, neighbours = nearest_neighbours(points, 3)
    groups = connect(points, eps, neighbours, distances)
    # With one sample needed, each of scikit-learn's points is a core point.
    theirs = DBSCAN(eps=eps, min_samples=1).fit(points).labels_
    assert len(np.unique(groups)) > 3
    assert adjusted_rand_score(theirs, groups) == 1.0
    sizes = np.bincount(groups)
    assert sizes.tolist() == sorted(sizes, reverse=True)


def test_nine_of_ten_sessions_are_core_points_and_few_are_noise(
    made_features: pl.DataFrame,
) -> None:
    values = _values(made_features)
    model = DbscanModel.fit(values, seed=1)
    assert len(model.core) / len(values) == pytest.approx(0.9, abs=0.01)
    assert 0.02 <= np.mean(model.predict(values) == NOISE) <= 0.08


def test_a_session_takes_the_cluster_of_the_nearest_core_point(made_features: pl.DataFrame) -> None:
    values = _values(made_features)
    model = DbscanModel.fit(values, seed=1)
    predicted = model.predict(values)
    for point, cluster in zip(_points(model, values)[::40], predicted[::40], strict=True):
        distances = np.linalg.norm(model.core - point, axis=1)
        near = distances.min() <= model.eps
        assert cluster == (model.core_cluster[distances.argmin()] if near else NOISE)


def test_a_session_far_from_all_others_is_noise(made_features: pl.DataFrame) -> None:
    model = DbscanModel.fit(_values(made_features), seed=1)
    odd = made_features[:1].with_columns(
        start_hour=3.0, duration_h=40.0, energy_kwh=0.6, mean_power_kw=90.0
    )
    assert model.predict(session_values(odd)).tolist() == [NOISE]


def test_a_fit_on_a_sample_agrees_with_a_fit_on_all(
    made_features: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = _values(made_features)
    whole = DbscanModel.fit(values, seed=1).predict(values)
    monkeypatch.setattr(dbscan, "MAX_FIT_SESSIONS", 2_000)
    sampled = DbscanModel.fit(values, seed=1)
    assert len(sampled.core) == pytest.approx(1_800, abs=20)
    assert np.mean((whole == NOISE) == (sampled.predict(values) == NOISE)) >= 0.93


def test_identical_sessions_are_one_cluster(made_features: pl.DataFrame) -> None:
    columns = ["start_hour", "duration_h", "energy_kwh", "mean_power_kw", "station_id"]
    values = _values(made_features[:50].with_columns(pl.col(columns).first()))
    assert set(DbscanModel.fit(values, seed=1).predict(values).tolist()) == {0}
