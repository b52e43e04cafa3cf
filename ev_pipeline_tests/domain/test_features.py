"""Features of users, stations and sessions, held against pandas and across engines."""

from datetime import UTC, datetime
from typing import Any, Final

import duckdb
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ev_pipeline.domain.features import (
    PERIODS,
    merge_session_features,
    summarise_stations,
    summarise_users,
)
from ev_pipeline.storage.tables.features import (
    ev_session_features,
    ev_station_features,
    ev_user_features,
)
from ev_pipeline_tests.domain.models.made_sessions import make_sessions

_MONDAY_US: Final = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
_US_PER_HOUR: Final = 3_600_000_000

_SCHEMA: Final = pl.Schema(
    {
        "session_id": pl.String(),
        "revision": pl.Int32(),
        "scope": pl.String(),
        "station_id": pl.String(),
        "user_id": pl.String(),
        "quality": pl.String(),
        "quality_codes": pl.List(pl.String()),
        "started_us": pl.Int64(),
        "ended_us": pl.Int64(),
        "started_local_us": pl.Int64(),
        "energy_kwh": pl.Float64(),
        "charging_duration_h": pl.Float64(),
    }
)


def _session(**changes: Any) -> dict[str, Any]:
    hour = changes.pop("hour", 8.0)
    started_us = _MONDAY_US + round(hour * _US_PER_HOUR)
    duration_us = round(changes.pop("duration_h", 2.0) * _US_PER_HOUR)
    return {
        "session_id": "s",
        "revision": 1,
        "scope": "a",
        "station_id": "station",
        "user_id": "user",
        "quality": "valid",
        "quality_codes": [],
        "started_us": started_us,
        "ended_us": started_us + duration_us,
        "started_local_us": started_us,
        "energy_kwh": 10.0,
        "charging_duration_h": None,
        **changes,
    }


def _frame(*sessions: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(sessions), schema=_SCHEMA)


def _users(sessions: pl.DataFrame) -> pl.DataFrame:
    return summarise_users(sessions.lazy()).collect().sort("scope", "user_id")


def _stations(sessions: pl.DataFrame) -> pl.DataFrame:
    return summarise_stations(sessions.lazy()).collect().sort("scope", "station_id")


def _merged(sessions: pl.DataFrame) -> pl.DataFrame:
    users, stations = _users(sessions), _stations(sessions)
    merged = merge_session_features(sessions.lazy(), users.lazy(), stations.lazy())
    return merged.collect().sort("session_id")


def test_the_columns_are_those_of_the_tables() -> None:
    sessions = make_sessions(50, seed=1)
    for table, frame in (
        (ev_user_features, _users(sessions)),
        (ev_station_features, _stations(sessions)),
        (ev_session_features, _merged(sessions)),
    ):
        named = {
            f"{column.name.removesuffix('_at')}_us" if column.name.endswith("_at") else column.name
            for column in table.columns
        }
        assert set(frame.columns) == named


def test_polars_and_duckdb_give_the_same_features() -> None:
    sessions = make_sessions(3_000, seed=2)
    arrow = sessions.to_arrow()
    with duckdb.connect() as connection:
        relation = connection.from_arrow(arrow)
        users, stations = summarise_users(relation), summarise_stations(relation)
        merged = merge_session_features(relation, users, stations)
        for expected, found, keys in (
            (_users(sessions), users.pl(), ["scope", "user_id"]),
            (_stations(sessions), stations.pl(), ["scope", "station_id"]),
            (_merged(sessions), merged.pl(), ["session_id"]),
        ):
            assert_frame_equal(found.sort(keys), expected, rel_tol=1e-12)


def test_touched_users_and_stations_get_what_a_full_pass_gives_them() -> None:
    sessions = make_sessions(3_000, seed=3)
    users, stations = _users(sessions), _stations(sessions)
    some_users, some_stations = users["user_id"][:20], stations["station_id"][:5]
    of_users = sessions.filter(pl.col("user_id").is_in(some_users.implode()))
    of_stations = sessions.filter(pl.col("station_id").is_in(some_stations.implode()))
    assert_frame_equal(_users(of_users), users[:20], rel_tol=1e-12)
    assert_frame_equal(_stations(of_stations), stations[:5], rel_tol=1e-12)


def test_rows_in_another_order_give_the_same_features() -> None:
    sessions = make_sessions(20_000, seed=4, users=12, stations=6)
    mixed = sessions.sample(fraction=1, shuffle=True, seed=5)
    assert_frame_equal(_users(mixed), _users(sessions), rel_tol=1e-9)
    assert_frame_equal(_stations(mixed), _stations(sessions), rel_tol=1e-9)
    assert_frame_equal(_merged(mixed), _merged(sessions), rel_tol=1e-9)


@pytest.mark.parametrize(
    ("hours", "preferred"),
    [
        ([1, 19], "night"),
        ([20, 7, 8, 21], "morning"),
        ([13, 14, 1, 7, 19], "afternoon"),
        ([18, 13], "afternoon"),
        ([23.99], "evening"),
    ],
)
def test_the_preferred_period_is_the_earlier_of_equals(hours: list[float], preferred: str) -> None:
    sessions = _frame(*(_session(hour=hour) for hour in hours))
    assert _users(sessions)["preferred_period"].to_list() == [preferred]


def test_sessions_without_a_user_belong_to_nobody() -> None:
    sessions = _frame(
        _session(session_id="1", user_id=None),
        _session(session_id="2", user_id="b"),
        _session(session_id="3", user_id=None),
    )
    assert _users(sessions)["user_id"].to_list() == ["b"]
    merged = _merged(sessions)
    assert merged["user_n_sessions"].to_list() == [None, 1, None]
    assert merged["station_n_sessions"].to_list() == [3, 3, 3]


@pytest.mark.parametrize(
    ("user_ids", "n_users"),
    [([None, None], None), (["a", None, "a"], 1), (["a", "b"], 2), ([None, "a", "b", None], 2)],
)
def test_a_station_counts_the_users_that_sessions_name(
    user_ids: list[str | None], n_users: int | None
) -> None:
    sessions = _frame(*(_session(user_id=user_id) for user_id in user_ids))
    assert _stations(sessions)["n_users"].to_list() == [n_users]


def test_operators_do_not_share_users_or_stations() -> None:
    sessions = _frame(_session(scope="a"), _session(scope="b", energy_kwh=30.0))
    assert _users(sessions)["total_energy_kwh"].to_list() == [10.0, 30.0]
    assert _stations(sessions)["total_energy_kwh"].to_list() == [10.0, 30.0]


@pytest.mark.parametrize(
    ("charging_duration_h", "power_kw"), [(None, 5.0), (0.0, 5.0), (-1.0, 5.0), (0.5, 20.0)]
)
def test_mean_power_is_over_charging_time_where_it_is_known(
    charging_duration_h: float | None, power_kw: float
) -> None:
    sessions = _frame(_session(charging_duration_h=charging_duration_h, duration_h=2.0))
    assert _merged(sessions)["mean_power_kw"].to_list() == [power_kw]


def test_hour_weekday_and_period_are_those_of_the_stations_clock() -> None:
    nearly_tuesday = _session(hour=23.5)
    nearly_tuesday["started_local_us"] += 2 * _US_PER_HOUR
    row = _merged(_frame(nearly_tuesday)).row(0, named=True)
    assert (row["start_hour"], row["weekday"]) == (1.5, 2)
    assert [row[f"is_{period}"] for period in PERIODS] == [1, 0, 0, 0]


def test_a_stations_energy_a_day_is_over_all_days_from_first_to_last() -> None:
    later = _session(hour=8 + 3 * 24, energy_kwh=30.0)
    row = _stations(_frame(_session(), later)).row(0, named=True)
    assert (row["observed_days"], row["daily_energy_kwh"]) == (4, 10.0)
    assert row["weekly_energy_kwh"] == 70.0


_SESSIONS: Final = st.lists(
    st.builds(
        _session,
        user_id=st.sampled_from([None, "u", "v"]),
        station_id=st.sampled_from(["s", "t"]),
        scope=st.sampled_from(["a", "b"]),
        hour=st.integers(0, 24 * 400 * 60).map(lambda minutes: minutes / 60),
        duration_h=st.integers(1, 6_000).map(lambda minutes: minutes / 60),
        energy_kwh=st.floats(0.01, 1_000),
        charging_duration_h=st.none() | st.floats(0.01, 100),
    ),
    min_size=1,
    max_size=40,
)


@settings(deadline=None, max_examples=60)
@given(_SESSIONS)
def test_users_and_stations_equal_a_pandas_groupby(rows: list[dict[str, Any]]) -> None:
    sessions = _frame(*rows)
    frame = pd.DataFrame(rows)
    local = pd.to_datetime(frame["started_local_us"], unit="us")
    frame["duration_h"] = (frame["ended_us"] - frame["started_us"]) / _US_PER_HOUR
    divisor = frame["charging_duration_h"].astype(float).fillna(frame["duration_h"])
    frame["power_kw"] = frame["energy_kwh"] / divisor
    frame["period"] = local.dt.hour // 6
    frame["day"] = local.dt.normalize()
    for row in _users(sessions).iter_rows(named=True):
        own = frame[(frame["scope"] == row["scope"]) & (frame["user_id"] == row["user_id"])]
        assert row["n_sessions"] == len(own)
        assert row["total_energy_kwh"] == pytest.approx(own["energy_kwh"].sum())
        assert row["mean_energy_kwh"] == pytest.approx(own["energy_kwh"].mean())
        assert row["mean_duration_h"] == pytest.approx(own["duration_h"].mean())
        assert row["mean_power_kw"] == pytest.approx(own["power_kw"].mean())
        assert row["n_stations"] == own["station_id"].nunique()
        assert row["preferred_period"] == PERIODS[own["period"].mode().min()]
        for number, period in enumerate(PERIODS):
            assert row[f"{period}_share"] == pytest.approx((own["period"] == number).mean())
        assert (row["first_seen_us"], row["last_seen_us"]) == (
            own["started_us"].min(),
            own["started_us"].max(),
        )
    assert len(_users(sessions)) == frame.groupby(["scope", "user_id"]).ngroups
    for row in _stations(sessions).iter_rows(named=True):
        own = frame[(frame["scope"] == row["scope"]) & (frame["station_id"] == row["station_id"])]
        days = (own["day"].max() - own["day"].min()).days + 1
        assert (row["n_sessions"], row["observed_days"]) == (len(own), days)
        assert row["n_users"] == (own["user_id"].nunique() or None)
        assert row["daily_energy_kwh"] == pytest.approx(own["energy_kwh"].sum() / days)
        assert row["mean_duration_h"] == pytest.approx(own["duration_h"].mean())
    assert len(_stations(sessions)) == frame.groupby(["scope", "station_id"]).ngroups
