"""Matching: numbers go on with their clusters, new clusters take numbers that nobody had."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from ev_pipeline.domain.models.kmeans import KMeansModel
from ev_pipeline.domain.models.matching import Matching
from ev_pipeline.domain.models.values import session_values
from ev_pipeline.domain.models.view import fit_sessions


@pytest.fixture(scope="module")
def former(made_features: pl.DataFrame) -> KMeansModel:
    return KMeansModel.fit(session_values(fit_sessions(made_features)), k=3, seed=1)


def _with_centres(model: KMeansModel, rows: list[int]) -> KMeansModel:
    return replace(model, centres=model.centres[rows], numbers=np.arange(len(rows)))


def test_a_cluster_keeps_its_number_wherever_it_stands(former: KMeansModel) -> None:
    matching = Matching.between(_with_centres(former, [2, 0, 1]), former)
    assert matching.numbers.tolist() == [2, 0, 1]
    assert matching.gone == ()


def test_a_cluster_that_is_gone_leaves_its_number_free_for_none(former: KMeansModel) -> None:
    matching = Matching.between(_with_centres(former, [2, 0]), former)
    assert (matching.numbers.tolist(), matching.gone) == ([2, 0], (1,))


def test_a_centre_far_from_all_former_ones_is_new_and_takes_a_number_that_nobody_had(
    former: KMeansModel,
) -> None:
    moved = replace(former, centres=former.centres.copy())
    moved.centres[1] += 10.0
    matching = Matching.between(moved, former)
    assert matching.former.tolist() == [0, -1, 2]
    assert (matching.numbers.tolist(), matching.gone) == ([0, 3, 2], (1,))


def test_centres_are_compared_in_the_former_models_scale(former: KMeansModel) -> None:
    """The same centres in natural units, seen from a view with other limits and scales."""
    view = replace(former.view, centre=former.view.centre + 3.0, scale=former.view.scale * 5.0)
    other = replace(former, view=view, centres=view.seen_from(former.view, former.centres))
    assert Matching.between(other, former).numbers.tolist() == [0, 1, 2]
