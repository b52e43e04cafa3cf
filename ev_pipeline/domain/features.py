"""Features of users, stations and sessions, defined once for any lazy engine.

What lives here: Narwhals expressions that run alike on Polars, DuckDB or PySpark, over all sessions
or over those of a few touched users and stations.
What does not: reading sessions, writing tables, what models make of the features (`models`).

Times are integers of microseconds (`*_us`), because engines differ in how they cast times.
"""

from typing import Final

import narwhals as nw
from narwhals.typing import IntoLazyFrameT

PERIODS: Final = ("night", "morning", "afternoon", "evening")
"""Quarters of the day from midnight, six hours each, on the station's clock."""

_US_PER_HOUR: Final = 3_600_000_000
_US_PER_DAY: Final = 24 * _US_PER_HOUR
_US_PER_PERIOD: Final = 6 * _US_PER_HOUR
_EPOCH_WEEKDAY: Final = 4
"""1970-01-01 was a Thursday, 4 of 1 (Monday) to 7 (Sunday)."""

_DAYS_PER_WEEK: Final = 7

_LEAST_CHARGING_H: Final = 0.5e-6 / 3600
"""Half a microsecond: a shorter charging duration is unknown, to validation too."""

_SESSION_COLUMNS: Final = (
    "session_id",
    "revision",
    "scope",
    "station_id",
    "user_id",
    "quality",
    "started_us",
    "start_hour",
    "weekday",
    "duration_h",
    "charging_duration_h",
    "energy_kwh",
    "mean_power_kw",
    "quality_codes",
    *(f"is_{period}" for period in PERIODS),
)
_OF_USER: Final = (
    "n_sessions",
    "mean_energy_kwh",
    "mean_duration_h",
    "mean_power_kw",
    "n_stations",
)
_OF_STATION: Final = (
    "n_sessions",
    "mean_energy_kwh",
    "mean_duration_h",
    "n_users",
    "daily_energy_kwh",
)


def summarise_users(sessions: IntoLazyFrameT) -> IntoLazyFrameT:
    """One row a user, with what their sessions have in common.

    Args:
        sessions: lazy frame with scope, station_id, user_id, started_us, ended_us,
            started_local_us, energy_kwh and charging_duration_h. Sessions without a user belong
            to nobody.

    Returns:
        The columns of `ev_user_features`, with first_seen_us and last_seen_us for its times.
    """
    named = nw.from_native(sessions).filter(~nw.col("user_id").is_null())
    counts = [nw.col(f"is_{period}").sum().alias(f"n_{period}") for period in PERIODS]
    n_sessions = nw.col("n_sessions")
    return (
        _with_measures(named)
        .group_by("scope", "user_id")
        .agg(
            *_totals(),
            nw.col("mean_power_kw").mean(),
            nw.col("station_id").n_unique().cast(nw.Int64).alias("n_stations"),
            *counts,
        )
        .with_columns(
            *(
                (nw.col(f"n_{period}").cast(nw.Float64) / n_sessions).alias(f"{period}_share")
                for period in PERIODS
            ),
            _preferred_period().alias("preferred_period"),
        )
        .select(
            "scope",
            "user_id",
            "n_sessions",
            "total_energy_kwh",
            "mean_energy_kwh",
            "mean_duration_h",
            "mean_power_kw",
            "n_stations",
            *(f"{period}_share" for period in PERIODS),
            "preferred_period",
            "first_seen_us",
            "last_seen_us",
        )
        .to_native()
    )


def summarise_stations(sessions: IntoLazyFrameT) -> IntoLazyFrameT:
    """One row a station, with what its sessions have in common.

    Args:
        sessions: lazy frame with the columns that `summarise_users` needs.

    Returns:
        The columns of `ev_station_features`, with first_seen_us and last_seen_us for its times;
        n_users is null where no session names a user.
    """
    is_unnamed = nw.col("user_id").is_null()
    daily = nw.col("total_energy_kwh") / nw.col("observed_days")
    return (
        _with_measures(nw.from_native(sessions))
        .with_columns(is_unnamed.cast(nw.Int64).alias("is_unnamed"))
        .group_by("scope", "station_id")
        .agg(
            *_totals(),
            nw.col("user_id").n_unique().cast(nw.Int64).alias("n_distinct"),
            nw.col("is_unnamed").max().alias("has_unnamed"),
            nw.col("is_unnamed").sum().alias("n_unnamed"),
            nw.col("local_day").min().alias("first_day"),
            nw.col("local_day").max().alias("last_day"),
        )
        .with_columns(
            # n_unique counts null as one more user.
            nw.when(nw.col("n_unnamed") < nw.col("n_sessions"))
            .then(nw.col("n_distinct") - nw.col("has_unnamed"))
            .alias("n_users"),
            (nw.col("last_day") - nw.col("first_day") + 1).alias("observed_days"),
        )
        .with_columns(
            daily.alias("daily_energy_kwh"), (daily * _DAYS_PER_WEEK).alias("weekly_energy_kwh")
        )
        .select(
            "scope",
            "station_id",
            "n_sessions",
            "total_energy_kwh",
            "mean_energy_kwh",
            "mean_duration_h",
            "n_users",
            "observed_days",
            "daily_energy_kwh",
            "weekly_energy_kwh",
            "first_seen_us",
            "last_seen_us",
        )
        .to_native()
    )


def describe_sessions(sessions: IntoLazyFrameT) -> IntoLazyFrameT:
    """One row a session, with its own features only: all that a label depends on.

    Args:
        sessions: lazy frame with session_id, revision, quality and quality_codes beside the columns
            that `summarise_users` needs.
    """
    return _with_measures(nw.from_native(sessions)).select(*_SESSION_COLUMNS).to_native()


def merge_session_features(
    sessions: IntoLazyFrameT, users: IntoLazyFrameT, stations: IntoLazyFrameT
) -> IntoLazyFrameT:
    """One row a session: its own features beside its user's and its station's.

    Args:
        sessions: lazy frame with session_id, revision, quality and quality_codes beside the columns
            that `summarise_users` needs.
        users: what `summarise_users` gives, for all users of the sessions.
        stations: what `summarise_stations` gives, for all stations of the sessions.

    Returns:
        The columns of `ev_session_features`, with started_us for started_at; the user's are null
        where a session names none.
    """
    user_features = nw.from_native(users).select(
        "scope", "user_id", *(nw.col(name).alias(f"user_{name}") for name in _OF_USER)
    )
    station_features = nw.from_native(stations).select(
        "scope", "station_id", *(nw.col(name).alias(f"station_{name}") for name in _OF_STATION)
    )
    return (
        nw.from_native(describe_sessions(sessions))
        .join(user_features, on=["scope", "user_id"], how="left")
        .join(station_features, on=["scope", "station_id"], how="left")
        .select(
            *_SESSION_COLUMNS,
            *(f"user_{name}" for name in _OF_USER),
            *(f"station_{name}" for name in _OF_STATION),
        )
        .to_native()
    )


def _with_measures(sessions: nw.LazyFrame[IntoLazyFrameT]) -> nw.LazyFrame[IntoLazyFrameT]:
    """The sessions with hour, weekday, period, duration and mean power of each."""
    local_us = nw.col("started_local_us")
    charging_h = nw.col("charging_duration_h")
    period = nw.col("period")
    return (
        sessions.with_columns(
            (local_us // _US_PER_DAY).alias("local_day"),
            (local_us % _US_PER_DAY).alias("time_of_day_us"),
            ((nw.col("ended_us") - nw.col("started_us")) / _US_PER_HOUR).alias("duration_h"),
        )
        .with_columns(
            (nw.col("time_of_day_us") / _US_PER_HOUR).alias("start_hour"),
            (nw.col("time_of_day_us") // _US_PER_PERIOD).alias("period"),
            ((nw.col("local_day") + _EPOCH_WEEKDAY - 1) % _DAYS_PER_WEEK + 1)
            .cast(nw.Int16)
            .alias("weekday"),
            nw.when(charging_h > _LEAST_CHARGING_H)
            .then(nw.col("energy_kwh") / charging_h)
            .otherwise(nw.col("energy_kwh") / nw.col("duration_h"))
            .alias("mean_power_kw"),
        )
        .with_columns(
            (period == number).cast(nw.Int16).alias(f"is_{name}")
            for number, name in enumerate(PERIODS)
        )
    )


def _totals() -> list[nw.Expr]:
    """What users and stations are both summed up by."""
    return [
        nw.len().cast(nw.Int64).alias("n_sessions"),
        nw.col("energy_kwh").sum().alias("total_energy_kwh"),
        nw.col("energy_kwh").mean().alias("mean_energy_kwh"),
        nw.col("duration_h").mean().alias("mean_duration_h"),
        nw.col("started_us").min().alias("first_seen_us"),
        nw.col("started_us").max().alias("last_seen_us"),
    ]


def _preferred_period() -> nw.Expr:
    """The period of day with most sessions; the earlier of equals."""
    counts = [nw.col(f"n_{period}") for period in PERIODS]
    most = nw.max_horizontal(*counts)
    preferred: nw.Expr = nw.lit(PERIODS[-1])
    for period, count in reversed(list(zip(PERIODS[:-1], counts[:-1], strict=True))):
        preferred = nw.when(count == most).then(nw.lit(period)).otherwise(preferred)
    return preferred
