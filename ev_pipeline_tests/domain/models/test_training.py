"""Training: pure in data and seed, sensible with little data, measured in plain numbers."""

import json

import polars as pl
import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.models.plots import MAX_POINTS, plot_points
from ev_pipeline.domain.models.training import train_kmeans
from ev_pipeline_tests.domain.models.conftest import SEED, bundle_of, train_all


def test_the_same_data_and_seed_give_the_same_bytes_in_any_order_of_rows_and_columns(
    made_features: pl.DataFrame,
) -> None:
    mixed = made_features.sample(fraction=1, shuffle=True, seed=3)
    mixed = mixed.select(reversed(mixed.columns))
    one, other = train_all(made_features), train_all(mixed)
    assert [part.artifact for part in one.values()] == [part.artifact for part in other.values()]
    assert [part.measures for part in one.values()] == [part.measures for part in other.values()]


def test_measures_and_parameters_are_plain_json(made_features: pl.DataFrame) -> None:
    for part in train_all(made_features).values():
        for record in (part.measures, part.parameters):
            assert json.loads(json.dumps(record, allow_nan=False)) == record


def test_sessions_without_a_warning_beyond_the_fits_limits_are_counted_and_not_fitted_on(
    made_features: pl.DataFrame,
) -> None:
    """Training reads no flagged session; 150 to 250 kWh is beyond the fit and has no warning."""
    number = pl.int_range(pl.len())
    energy_kwh = pl.when(number < 40).then(pl.lit(200.0)).otherwise("energy_kwh")
    beyond = made_features.with_columns(energy_kwh=energy_kwh)
    parts, without = train_all(beyond), train_all(beyond[40:])
    for name, part in parts.items():
        assert part.measures == without[name].measures | {"n_beyond_fit_limits": 40}
        assert part.artifact == without[name].artifact


def test_clusters_of_known_behaviours_have_their_typical_sessions(
    made_features: pl.DataFrame,
) -> None:
    measures = train_kmeans(made_features, k=3, seed=SEED).measures
    stays = sorted(cluster["duration_h"] for cluster in measures["clusters"])
    assert stays == pytest.approx([0.5, 7.5, 11.0], rel=0.1)
    assert measures["silhouette"] > 0.5
    assert sum(measures["shares"]) == pytest.approx(1)


@pytest.mark.parametrize("n", [20, 21, 35, 60])
def test_a_handful_of_sessions_trains_all_three(made_features: pl.DataFrame, n: int) -> None:
    few = made_features[:n]
    labels = bundle_of(train_all(few)).label(made_features)
    assert not any(labels.null_count().row(0))


@pytest.mark.parametrize("n", [0, 1, 3, 9, 19])
def test_fewer_sessions_are_an_error_that_says_how_many_are_needed(
    made_features: pl.DataFrame, n: int
) -> None:
    with pytest.raises(PipelineError, match="a model needs 20"):
        train_all(made_features[:n])


def test_one_station_without_users_trains_all_three(made_features: pl.DataFrame) -> None:
    alike = made_features[:300].with_columns(
        station_id=pl.lit("only"), user_id=pl.lit(None, dtype=pl.String)
    )
    parts = train_all(alike)
    assert parts["isolation_forest"].measures["n_station_habits"] == 1
    assert parts["isolation_forest"].measures["n_user_habits"] == 0
    assert not any(bundle_of(parts).label(alike).null_count().row(0))


@pytest.mark.parametrize("order", [1, 36, 55])
def test_almost_equal_sessions_train_and_raise_no_alarm(
    made_features: pl.DataFrame, order: int
) -> None:
    """With the last two, what all teach scores half of the sessions above the earlier threshold."""
    columns = ["duration_h", "energy_kwh", "mean_power_kw", "station_id", "user_id"]
    shuffled = made_features.sort("session_id").sample(fraction=1, shuffle=True, seed=order)
    alike = shuffled[:200].with_columns(
        pl.col(columns).first(), start_hour=pl.int_range(200) % 4 + 8.0
    )
    labels = bundle_of(train_all(alike)).label(alike)
    assert labels["is_anomaly"].sum() / len(labels) <= 0.02
    assert labels["dbscan_cluster"].min() == 0


def test_every_model_has_points_for_a_small_plot(made_features: pl.DataFrame) -> None:
    for part in train_all(made_features).values():
        points = plot_points(made_features, part, seed=SEED)
        assert points.columns == ["start_hour", "duration_h", "energy_kwh", "label"]
        assert len(points) == MAX_POINTS
        assert points.equals(plot_points(made_features, part, seed=SEED))
