"""The session view: what is fitted on, and how values become five columns."""

import numpy as np
import polars as pl
import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.models.values import session_values
from ev_pipeline.domain.models.view import SessionView, fit_sessions


def test_columns_are_scaled_to_unit_variance_and_the_hour_pair_jointly(
    made_features: pl.DataFrame,
) -> None:
    values = session_values(made_features)
    columns = SessionView.fit(values).transform(values)
    variance = columns.var(axis=1)
    assert variance[:2].sum() == pytest.approx(1)
    assert variance[2:] == pytest.approx(1)
    assert columns.mean(axis=1) == pytest.approx(0, abs=1e-12)


def test_midnight_is_near_itself_from_both_sides(made_features: pl.DataFrame) -> None:
    view = SessionView.fit(session_values(made_features))
    one = made_features[:1]
    rows = pl.concat([one.with_columns(start_hour=hour) for hour in (23.99, 0.01, 12.0)])
    before, after, noon = view.transform(session_values(rows)).T
    assert np.abs(before - after).max() < 0.02
    assert np.abs(before - noon).max() > 1


def test_extreme_values_stop_at_the_frozen_limits(made_features: pl.DataFrame) -> None:
    view = SessionView.fit(session_values(made_features))
    one = made_features[:1]
    rows = pl.concat(
        [one.with_columns(duration_h=duration) for duration in (1e-12, 1e-3, 900.0, 1e300)]
    )
    columns = view.transform(session_values(rows))
    assert np.isfinite(columns).all()
    assert columns[2, 0] == columns[2, 1]
    assert columns[2, 2] == columns[2, 3]


def test_a_column_that_never_varies_stays_at_nought(made_features: pl.DataFrame) -> None:
    values = session_values(made_features.with_columns(energy_kwh=5.0))
    assert SessionView.fit(values).transform(values)[3] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    "change",
    [
        {"quality": "warning"},
        {"duration_h": 1 / 60},
        {"duration_h": 48.1},
        {"energy_kwh": 0.4},
        {"energy_kwh": 151.0},
        {"mean_power_kw": 401.0},
    ],
)
def test_what_is_out_of_bounds_is_not_fitted_on(
    made_features: pl.DataFrame, change: dict[str, object]
) -> None:
    ordinary, odd = made_features[:100], made_features[100:103]
    odd = odd.with_columns(pl.lit(value).alias(name) for name, value in change.items())
    chosen = fit_sessions(pl.concat([odd, ordinary]))
    assert chosen["session_id"].to_list() == sorted(ordinary["session_id"])


def test_too_few_sessions_are_an_error_that_says_how_many_are_needed(
    made_features: pl.DataFrame,
) -> None:
    with pytest.raises(PipelineError, match=r"19 of 19 .* a model needs 20"):
        fit_sessions(made_features[:19])
