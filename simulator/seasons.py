"""The year around the sessions: days, holidays, temperatures and the stations' clock.

What lives here: what every session of a day shares. What does not: what people do on it
(`behaviours`).
"""

from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

ZONE: Final = "Europe/Lisbon"
"""The clock of every station of the sample: it has summer time, so both kinds of day occur."""

FIRST_DAY: Final = date(2025, 1, 1)
"""The sample's year lies in the past, because sessions that end in the future are refused."""

YEAR_DAYS: Final = 365

HOLIDAYS: Final = frozenset(
    date.fromisoformat(day)
    for day in (
        "2025-01-01",
        "2025-04-18",
        "2025-04-25",
        "2025-05-01",
        "2025-06-10",
        "2025-06-13",
        "2025-06-19",
        "2025-08-15",
        "2025-12-01",
        "2025-12-08",
        "2025-12-25",
        "2026-01-01",
    )
)
"""Public holidays of Lisbon on weekdays; those on Sundays change nothing."""

COLDEST_DAY: Final = 15
"""Day of the year around which the mean temperature is lowest."""

MEAN_TEMPERATURE_C: Final = 17.5
YEARLY_SWING_C: Final = 6.0
DAILY_SWING_C: Final = 4.0
"""Mean and half-ranges near Lisbon, °C."""

WARMEST_HOUR: Final = 15.5

SATURDAY: Final = 5
SUNDAY: Final = 6
"""Numbers of kinds of day."""


def day_numbers(days: int) -> list[date]:
    """The dates of the first `days` days."""
    return [FIRST_DAY + timedelta(days=number) for number in range(days)]


def kinds_of_day(days: int) -> np.ndarray:
    """The weekday of each day, 0 Monday to 6 Sunday, with holidays as Sundays."""
    return np.array(
        [SUNDAY if day in HOLIDAYS else day.weekday() for day in day_numbers(days)], dtype=np.int64
    )


def daily_temperatures_c(days: int, rng: np.random.Generator) -> np.ndarray:
    """The mean temperature of each day, °C: a season and weather that lasts for days."""
    season = MEAN_TEMPERATURE_C - YEARLY_SWING_C * np.cos(
        2 * np.pi * (np.arange(days) - COLDEST_DAY) / YEAR_DAYS
    )
    shocks = rng.standard_normal(days)
    weather = np.empty(days)
    state = 0.0
    for day in range(days):
        state = 0.75 * state + 1.3 * shocks[day]
        weather[day] = state
    return np.asarray(season + weather)


def temperatures_c(daily_c: np.ndarray, day: np.ndarray, hour: np.ndarray) -> np.ndarray:
    """The temperature at an hour of a day, °C, to a tenth."""
    swing = DAILY_SWING_C * np.cos(2 * np.pi * (hour - WARMEST_HOUR) / 24)
    return np.asarray(np.round(daily_c[day] + swing, 1))


def to_utc_s(local_s: np.ndarray) -> np.ndarray:
    """Seconds of UTC since 1970 for seconds of the stations' clock since the first day began.

    A time that exists twice is the earlier one; a time that does not exist moves on by the gap.
    """
    start = datetime.combine(FIRST_DAY, datetime.min.time())
    naive = pl.Series("naive", local_s * 1_000_000).cast(pl.Duration("us")) + start
    frame = pl.DataFrame({"naive": naive})
    local = pl.col("naive").dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null")
    moved = (pl.col("naive") + pl.duration(hours=1)).dt.replace_time_zone(
        ZONE, ambiguous="earliest", non_existent="null"
    )
    utc = frame.select(local.fill_null(moved).dt.epoch("s")).to_series()
    return utc.to_numpy()
