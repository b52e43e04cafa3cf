"""The verdict: structure where behaviours differ, none where columns know nothing of each other."""

import polars as pl

from ev_pipeline.domain.models.structure import (
    LEAST_Z,
    MOST_P,
    NO_STRUCTURE,
    STRUCTURED,
    Structure,
)
from ev_pipeline.domain.models.values import session_values
from ev_pipeline.domain.models.view import fit_sessions
from ev_pipeline_tests.domain.models.structureless import shuffled, uniform


def _tested(features: pl.DataFrame) -> Structure:
    return Structure.test(session_values(fit_sessions(features)), seed=1)


def test_sessions_of_known_behaviours_are_structured(made_features: pl.DataFrame) -> None:
    found = _tested(made_features)
    assert found.verdict == STRUCTURED
    assert found.p_value <= MOST_P
    assert found.z > 4 * LEAST_Z


def test_the_same_columns_shuffled_have_no_structure(made_features: pl.DataFrame) -> None:
    found = _tested(shuffled(made_features, seed=2))
    assert found.verdict == NO_STRUCTURE
    assert found.z < LEAST_Z


def test_uniform_sessions_have_no_structure(made_features: pl.DataFrame) -> None:
    assert _tested(uniform(made_features, seed=2)).verdict == NO_STRUCTURE


def test_equal_sessions_have_no_structure_and_no_figure_that_is_none(
    made_features: pl.DataFrame,
) -> None:
    columns = ["start_hour", "duration_h", "energy_kwh", "mean_power_kw"]
    found = _tested(made_features[:100].with_columns(pl.col(columns).first()))
    assert (found.verdict, found.z, found.p_value) == (NO_STRUCTURE, 0.0, 1.0)
