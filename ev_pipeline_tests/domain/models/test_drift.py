"""Drift where it is known: behaviours tell whether a month is of the same population."""

from datetime import timedelta

import polars as pl
import pytest

from ev_pipeline.domain.models.drift import (
    CLUSTER,
    MIN_WINDOW_SESSIONS,
    freeze_reference,
    measure_drift,
)
from ev_pipeline.domain.models.view import keep_fit_sessions
from ev_pipeline_tests.storage.sample import SESSIONS, sample_sessions
from ev_pipeline_tests.storage.trained import own_features

ALERT_PSI = 0.25
MONTH = timedelta(days=28)


@pytest.fixture(scope="module")
def sample() -> pl.DataFrame:
    """The sample's sessions with their true behaviour, which stands for a cluster too."""
    truth = pl.read_csv(SESSIONS.with_name("behaviours.csv"), infer_schema=False)
    sessions = sample_sessions().join(
        truth.select("behaviour", source_session_id="session_id"), on="source_session_id"
    )
    told = sessions.select(
        "session_id", "behaviour", pl.col("behaviour").rank("dense").alias(CLUSTER)
    )
    return keep_fit_sessions(own_features(sessions).join(told, on="session_id"))


def _indices(before: pl.DataFrame, window: pl.DataFrame) -> dict[str, float]:
    counts = dict(before[CLUSTER].value_counts(sort=True).sort(CLUSTER).iter_rows())
    return {each.name: each.psi for each in measure_drift(window, freeze_reference(before), counts)}


def _until(sample: pl.DataFrame, days_back: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The sessions before a month, and those in it."""
    end = sample["started_at"].max()
    assert isinstance(end, type(sample["started_at"][0]))
    last = end - timedelta(days=days_back)
    first = last - MONTH
    started_at = pl.col("started_at")
    return sample.filter(started_at < first), sample.filter(started_at.is_between(first, last))


@pytest.mark.parametrize("days_back", [0, 60, 120, 180])
def test_a_month_of_the_same_population_does_not_drift(
    sample: pl.DataFrame, days_back: int
) -> None:
    before, window = _until(sample, days_back)
    assert len(window) > MIN_WINDOW_SESSIONS
    assert max(_indices(before, window).values()) < ALERT_PSI / 2


@pytest.mark.parametrize("days_back", [0, 60, 120, 180])
@pytest.mark.parametrize("behaviour", ["overnight_street", "workplace_day"])
def test_a_month_without_one_behaviour_drifts_in_its_features_and_its_clusters(
    sample: pl.DataFrame, behaviour: str, days_back: int
) -> None:
    before, window = _until(sample, days_back)
    indices = _indices(before, window.filter(pl.col("behaviour") != behaviour))
    assert indices.pop(CLUSTER) > ALERT_PSI
    assert max(indices.values()) > ALERT_PSI


def test_the_order_of_sessions_does_not_matter(sample: pl.DataFrame) -> None:
    before, window = _until(sample, 0)
    mixed = [frame.sample(fraction=1, shuffle=True, seed=3) for frame in (before, window)]
    assert _indices(*mixed) == _indices(before, window)


def test_a_feature_that_never_varied_has_an_index_all_the_same(sample: pl.DataFrame) -> None:
    before, window = _until(sample, 0)
    constant = before.with_columns(energy_kwh=pl.lit(7.0))
    assert _indices(constant, window)["energy_kwh"] > ALERT_PSI
