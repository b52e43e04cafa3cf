"""Anomalies: rules, calibrated scores, and reasons that a person can check."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from ev_pipeline.domain.models.bundle import ModelBundle
from ev_pipeline.domain.models.reasons import QUANTITIES, TOGETHER
from ev_pipeline.domain.models.residuals import RESIDUALS
from ev_pipeline.domain.models.rules import RULES
from ev_pipeline.domain.models.values import session_values
from ev_pipeline_tests.domain.models.hour_recounts import stated_and_counted
from ev_pipeline_tests.domain.models.made_sessions import features_of, make_sessions


def _label(model: ModelBundle, sessions: pl.DataFrame, **changes: Any) -> dict[str, Any]:
    """The label of the first session, with some of its values changed."""
    one = sessions[:1].with_columns(pl.lit(value).alias(name) for name, value in changes.items())
    return model.label(one).row(0, named=True)


def _at(features: pl.DataFrame, station: str) -> pl.DataFrame:
    """Sessions at a station, the most usual stay first.

    Stations 0, 3, … are for nights, 1, 4, … for work, 2, 5, … fast.
    """
    own = features.filter(pl.col("station_id") == station, pl.col("user_id").is_not_null())
    return own.sort((pl.col("duration_h") - pl.median("duration_h")).abs(), "session_id")


@pytest.mark.parametrize("code", sorted(RULES))
def test_an_impossible_session_is_an_anomaly_whatever_its_score(
    made_model: ModelBundle, made_features: pl.DataFrame, code: str
) -> None:
    flagged = made_features[:1].with_columns(
        pl.Series("quality_codes", [["unknown_keys", code]]), charging_duration_h=1.0
    )
    label = made_model.label(flagged).row(0, named=True)
    assert label["is_anomaly"]
    reason = label["anomaly_reasons"][0]
    assert reason["code"] == code
    assert "{" not in reason["message"]


@pytest.mark.parametrize("code", ["over_48_hours", "under_0_5_kwh", "end_derived"])
def test_what_is_only_unusual_is_left_to_the_forest(
    made_model: ModelBundle, made_features: pl.DataFrame, code: str
) -> None:
    plain = made_model.label(made_features[:50])
    codes = pl.Series("quality_codes", [[code]] * 50)
    flagged = made_model.label(made_features[:50].with_columns(codes))
    assert flagged.equals(plain)


def test_overstaying_is_named_with_what_is_usual(
    made_model: ModelBundle, made_features: pl.DataFrame
) -> None:
    fast = _at(made_features, "station-2")
    label = _label(made_model, fast, duration_h=30.0, energy_kwh=20.0, mean_power_kw=0.67)
    assert label["is_anomaly"]
    reasons = {reason["code"]: reason for reason in label["anomaly_reasons"]}
    stay = next(reasons[code] for code in reasons if code.startswith("long_"))
    assert stay["value"] == 30.0
    assert 0.5 < stay["expected"] < 1.2
    assert stay["message"].startswith("stayed 30.0 h")


def test_power_beyond_what_the_station_delivers_is_named(
    made_model: ModelBundle, made_features: pl.DataFrame
) -> None:
    night = _at(made_features, "station-0")
    label = _label(made_model, night, energy_kwh=150.0, mean_power_kw=50.0, duration_h=3.0)
    assert label["is_anomaly"]
    assert "power_over_station" in {reason["code"] for reason in label["anomaly_reasons"]}


def test_an_hour_in_which_nobody_starts_is_odder_than_the_usual_one(
    made_model: ModelBundle, made_features: pl.DataFrame
) -> None:
    work = _at(made_features, "station-1")
    usual, odd = (_label(made_model, work, start_hour=hour) for hour in (8.5, 2.0))
    assert odd["anomaly_score"] > usual["anomaly_score"]


def test_an_hour_in_which_nobody_starts_is_named(
    made_model: ModelBundle, made_features: pl.DataFrame
) -> None:
    work = _at(made_features, "station-1")
    label = _label(made_model, work, user_id="new", start_hour=2.0, duration_h=12.0)
    reasons = {reason["code"]: reason["message"] for reason in label["anomaly_reasons"]}
    assert reasons["unusual_hour"].startswith("starts at 02:00, in an hour with less than 0.05 %")


@pytest.fixture(scope="module")
def wary_model(made_model: ModelBundle) -> ModelBundle:
    """The model with a threshold that every session lies above: each must have a reason."""
    return replace(made_model, anomalies=replace(made_model.anomalies, threshold=0.0))


@pytest.mark.parametrize("station", [None, "brand new"])
def test_a_stated_share_of_an_hour_is_what_anyone_counts_and_less_than_an_even_one(
    wary_model: ModelBundle, made_features: pl.DataFrame, station: str | None
) -> None:
    elsewhere = made_features.with_columns(station_id=pl.lit(station).fill_null("station_id"))
    labels = wary_model.label(elsewhere)
    shares = stated_and_counted(made_features, elsewhere, labels)
    assert len(shares) > 20
    assert (shares["counted"] < 100 / 24).all()
    assert ((shares["stated"] - shares["counted"]).abs() <= 0.05 + 1e-9).all()
    assert (shares["stated_place"] == shares["counted_place"]).all()


def test_an_hour_that_is_busy_is_never_a_reason(
    wary_model: ModelBundle, made_features: pl.DataFrame
) -> None:
    work = _at(made_features, "station-1").filter(pl.col("start_hour").is_between(8, 9))
    reasons = wary_model.label(work)["anomaly_reasons"].explode().struct.field("message")
    assert len(reasons) >= len(work) > 20
    assert not reasons.str.contains(r"starts at .* sessions at this station").any()


def test_no_reason_contradicts_the_session_and_each_has_one(
    wary_model: ModelBundle, made_features: pl.DataFrame
) -> None:
    labels = wary_model.label(made_features)
    assert (labels["anomaly_reasons"].list.len() >= 1).all()
    reasons = labels["anomaly_reasons"].explode().struct.unnest()
    assert set(reasons["code"]) <= {*RESIDUALS, TOGETHER}
    bounded = reasons.filter(
        pl.col("expected").is_not_null(), ~pl.col("code").str.starts_with("unusual")
    )
    is_low = pl.col("code") == "little_energy"
    times = pl.col("value") / pl.col("expected")
    ratio = pl.when(is_low).then(1 / times).otherwise(times)
    assert len(bounded) > 100
    assert (bounded.select(ratio).to_series() >= 1.05 - 1e-9).all()


def test_the_share_that_a_reason_tells_of_is_that_of_the_sessions(
    made_model: ModelBundle, made_features: pl.DataFrame
) -> None:
    """Of all sessions, about 95 % stay under what the reason says that 95 % stay under."""
    values = session_values(made_features)
    model = made_model.anomalies
    limits = model.expectations.limits(values, model.tails.said)
    for code, column in (("long_for_energy", "duration_h"), ("much_energy", "energy_kwh")):
        under = made_features[column].to_numpy() < limits[RESIDUALS.index(code)]
        assert under.mean() == pytest.approx(0.95, abs=0.005)


@pytest.mark.parametrize("quantity", sorted(set(QUANTITIES.values())))
def test_no_two_reasons_of_a_session_name_one_quantity(
    wary_model: ModelBundle, made_features: pl.DataFrame, quantity: str
) -> None:
    labels = wary_model.label(made_features)
    codes = labels["anomaly_reasons"].list.eval(pl.element().struct.field("code"))
    naming = [code for code, named in QUANTITIES.items() if named == quantity]
    assert codes.list.eval(pl.element().is_in(naming)).list.sum().max() == 1


def test_every_anomaly_has_one_to_three_reasons_and_no_other_session_has_any(
    made_model: ModelBundle, made_features: pl.DataFrame
) -> None:
    labels = made_model.label(made_features)
    n_reasons = labels["anomaly_reasons"].list.len()
    assert labels["is_anomaly"].any()
    assert n_reasons.filter(labels["is_anomaly"]).is_between(1, 3).all()
    assert n_reasons.filter(~labels["is_anomaly"]).sum() == 0


def test_unseen_ordinary_sessions_raise_few_false_alarms(made_model: ModelBundle) -> None:
    unseen = features_of(make_sessions(4_000, seed=99))
    assert made_model.label(unseen)["is_anomaly"].mean() == pytest.approx(0.015, abs=0.01)


def test_a_habit_of_a_user_tells_apart_what_the_station_does_not(
    made_model: ModelBundle, made_features: pl.DataFrame
) -> None:
    night = _at(made_features, "station-0")[:1]
    stranger = night.with_columns(user_id=pl.lit("nobody-we-know"))
    nameless = night.with_columns(user_id=pl.lit(None, dtype=pl.String))
    scores = [made_model.label(one)["anomaly_score"][0] for one in (stranger, nameless)]
    assert scores[0] == scores[1]
    assert made_model.label(night)["anomaly_score"][0] != scores[0]


def test_an_unknown_station_is_held_against_all_stations(
    made_model: ModelBundle, made_features: pl.DataFrame
) -> None:
    elsewhere = made_features[:1].with_columns(station_id=pl.lit("brand new"))
    label = _label(made_model, elsewhere, energy_kwh=140.0, mean_power_kw=140.0, duration_h=1.0)
    assert label["is_anomaly"]
    assert np.isfinite(label["anomaly_score"])
    assert all("this station" not in reason["message"] for reason in label["anomaly_reasons"])
