"""Checks of group features: values that a model may be trained on.

What lives here: the range of each feature. What does not: the limits of sessions (`domain`).
"""

from typing import Final

import dagster as dg

from ev_pipeline.assets.features import session_features, station_features, user_features
from ev_pipeline.checks.counting import count_row
from ev_pipeline.resources import Database

_SESSION_RANGES: Final = {
    "start_hour": "start_hour >= 0 and start_hour < 24",
    "weekday": "weekday between 1 and 7",
    "duration_h": "duration_h > 0 and duration_h < 'infinity'",
    "charging_duration_h": "coalesce(charging_duration_h, 0) >= 0",
    "energy_kwh": "energy_kwh > 0 and energy_kwh < 'infinity'",
    "mean_power_kw": "mean_power_kw > 0 and mean_power_kw < 'infinity'",
    "period": "is_night + is_morning + is_afternoon + is_evening = 1",
    "user": "(user_id is null) = (user_n_sessions is null)",
    "station": "station_n_sessions >= 1 and station_daily_energy_kwh > 0",
}
_USER_RANGES: Final = {
    "n_sessions": "n_sessions >= 1 and n_stations between 1 and n_sessions",
    "energy": "total_energy_kwh > 0 and mean_energy_kwh between 0 and total_energy_kwh",
    "shares": "abs(night_share + morning_share + afternoon_share + evening_share - 1) < 1e-9",
    "seen": "first_seen_at <= last_seen_at",
}
_STATION_RANGES: Final = {
    "n_sessions": "n_sessions >= 1 and coalesce(n_users, 0) <= n_sessions",
    "energy": "total_energy_kwh > 0 and daily_energy_kwh > 0 and weekly_energy_kwh > 0",
    "observed_days": "observed_days >= 1",
    "seen": "first_seen_at <= last_seen_at",
}
"""What must hold of each row, as SQL; NaN counts as greater than infinity, and so as out of range.
"""


@dg.asset_check(asset=session_features, name="feature_ranges", blocking=True)
def session_feature_ranges(database: Database) -> dg.AssetCheckResult:
    """Every feature of a session lies where it can.

    It blocks: a model trained on such rows would relabel everything.
    """
    return _in_ranges(database, "ev_session_features", _SESSION_RANGES)


@dg.asset_check(asset=user_features, name="feature_ranges")
def user_feature_ranges(database: Database) -> dg.AssetCheckResult:
    """Every feature of a user lies where it can. No model trains on them, so it does not block."""
    return _in_ranges(database, "ev_user_features", _USER_RANGES)


@dg.asset_check(asset=station_features, name="feature_ranges")
def station_feature_ranges(database: Database) -> dg.AssetCheckResult:
    """Every feature of a station lies where it can. As for users, it does not block."""
    return _in_ranges(database, "ev_station_features", _STATION_RANGES)


def _in_ranges(database: Database, table: str, ranges: dict[str, str]) -> dg.AssetCheckResult:
    counts = ", ".join(
        f"count(*) filter (where ({condition}) is not true) as {name}"
        for name, condition in ranges.items()
    )
    with database.engine() as engine:
        outside = count_row(engine, f"select {counts} from {table}")  # noqa: S608 - our own SQL
    return dg.AssetCheckResult(passed=not any(outside.values()), metadata={"outside": outside})
