"""The flat forest: scikit-learn's scores to the last bit."""

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from ev_pipeline.domain.models.forest import FlatForest


def _rows(n: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    rows = random.standard_t(3, size=(n, 5))
    rows[:, 1] = np.maximum(rows[:, 1], 0)
    rows[:, 2] = np.round(rows[:, 2])
    rows[:, 3] = 0
    return rows


@pytest.mark.parametrize(("n", "max_samples"), [(5_000, 256), (30, 30), (3, 2)])
def test_scores_equal_scikit_learns_to_the_last_bit(n: int, max_samples: int) -> None:
    rows = _rows(n, seed=1)
    fitted = IsolationForest(n_estimators=50, max_samples=max_samples, random_state=2).fit(rows)
    unseen = np.vstack([rows, _rows(700, seed=3) * 4])
    scores = FlatForest.flatten(fitted).scores(unseen.T)
    assert (scores == -fitted.score_samples(unseen)).all()


def test_values_at_a_split_go_the_same_way_as_in_scikit_learn() -> None:
    rows = _rows(300, seed=4)
    fitted = IsolationForest(n_estimators=20, random_state=5).fit(rows)
    limits = np.concatenate([tree.tree_.threshold for tree in fitted.estimators_])
    at_limits = np.repeat(limits[:, np.newaxis], 5, axis=1)
    scores = FlatForest.flatten(fitted).scores(at_limits.T)
    assert (scores == -fitted.score_samples(at_limits)).all()


def test_a_row_scores_the_same_alone_as_among_others() -> None:
    forest = FlatForest.fit(_rows(500, seed=6), seed=7)
    columns = np.ascontiguousarray(_rows(600, seed=8).T)
    alone = [forest.scores(columns[:, row : row + 1])[0] for row in range(columns.shape[1])]
    assert (forest.scores(columns) == alone).all()


def test_the_farthest_row_scores_highest() -> None:
    rows = np.vstack([np.random.default_rng(9).normal(size=(500, 3)), [[9.0, 9.0, 9.0]]])
    assert FlatForest.fit(rows, seed=1).scores(rows.T).argmax() == 500
