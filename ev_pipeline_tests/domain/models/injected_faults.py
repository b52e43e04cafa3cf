"""Faults put into real sessions, as chargers and exports have them, which must be found.

What lives here: the faults, each a change of canonical sessions from a seed. What does not: what
finds them.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl

NAMEPLATES_KW: Final = (3.7, 7.4, 11.0, 22.0, 50.0, 150.0, 350.0)
"""Powers that charging stations are sold with."""

_OVER_RATING: Final = (1.2, 2.0)
_MIDNIGHT_H: Final = (0.0, 3.0)
_FAST_KW: Final = (40.0, 50.0)
_FAST_BUSINESS_KW: Final = 35.0
_BUSINESS_SHARE: Final = 0.01
_FAST_H: Final = (20 / 60, 40 / 60)
_OVERSTAY_H: Final = (12.0, 36.0)
_SKEW_H: Final = (6.0, 18.0)
_MJ_PER_KWH: Final = 3.6
_WH_PER_KWH: Final = 1000.0

Fault = Callable[[pl.DataFrame, np.random.Generator], pl.DataFrame]
"""Sessions with `rating_kw` to faulty ones."""


def with_ratings(sessions: pl.DataFrame, before: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The sessions with `rating_kw`, and the registry that states it.

    Real registries state none. It is the least nameplate that 99 % of the station's earlier
    sessions stay under, and for a new station that of most stations.

    Args:
        sessions: those that a fault is put into.
        before: those that were learnt from.
    """
    hours = pl.col("charging_duration_h").fill_null(_duration_h())
    high = (pl.col("energy_kwh") / hours).quantile(0.99, "linear")
    rated = before.group_by("station_id").agg(high.alias("high_kw"))
    position = np.searchsorted(NAMEPLATES_KW, rated["high_kw"].to_numpy())
    plates = pl.Series(NAMEPLATES_KW).gather(np.minimum(position, len(NAMEPLATES_KW) - 1))
    ratings = (
        sessions.select("station_id")
        .unique()
        .join(rated.select("station_id", plates.alias("power_kw")), on="station_id", how="left")
    )
    registry = ratings.select(
        "station_id", pl.col("power_kw").fill_null(plates.mode().min()), is_registered=True
    )
    joined = sessions.join(
        registry.select("station_id", rating_kw="power_kw"),
        on="station_id",
        how="left",
        maintain_order="left",
    )
    return joined, registry


def without_business(sessions: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """The sessions at stations where fast charging in the small hours is not daily business.

    Where it was more than 1 % of the sessions, it is no fault.
    """
    is_fast = pl.col("energy_kwh") / _duration_h() > _FAST_BUSINESS_KW
    is_night = pl.col("started_local_at").dt.hour() < _MIDNIGHT_H[1]
    business = (
        before.group_by("station_id")
        .agg((is_fast & is_night).mean().alias("share"))
        .filter(pl.col("share") > _BUSINESS_SHARE)
    )
    return sessions.join(business, on="station_id", how="anti", maintain_order="left")


def power_over_rating(sessions: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    """The meter tells 1.2 to 2 times the energy that the station can give in that time."""
    hours = pl.col("charging_duration_h").fill_null(_duration_h())
    factor = _drawn(random, _OVER_RATING, sessions)
    return sessions.with_columns(energy_kwh=pl.col("rating_kw") * factor * hours)


def fast_at_midnight(sessions: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    """Twenty to forty minutes at 40 to 50 kW, begun between midnight and three."""
    hours = _drawn(random, _FAST_H, sessions)
    night = sessions["started_local_at"].dt.truncate("1d") + _hours(
        _drawn(random, _MIDNIGHT_H, sessions)
    )
    moved = _moved(sessions, night - sessions["started_local_at"])
    return moved.with_columns(
        ended_at=pl.col("started_at") + _hours(hours),
        charging_duration_h=pl.when(pl.col("charging_duration_h").is_not_null()).then(hours),
        energy_kwh=_drawn(random, _FAST_KW, sessions) * hours,
    )


def overstay(sessions: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    """The vehicle stays 12 to 36 h longer, with no more energy."""
    return sessions.with_columns(
        ended_at=pl.col("ended_at") + _hours(_drawn(random, _OVERSTAY_H, sessions))
    )


def clock_skew(sessions: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    """The charger's clock is 6 to 18 h fast."""
    return _moved(sessions, _hours(_drawn(random, _SKEW_H, sessions)))


def wh_for_kwh(sessions: pl.DataFrame, _: np.random.Generator) -> pl.DataFrame:
    """The energy is told in Wh."""
    return sessions.with_columns(pl.col("energy_kwh") * _WH_PER_KWH)


def mwh_for_kwh(sessions: pl.DataFrame, _: np.random.Generator) -> pl.DataFrame:
    """The energy is told in MWh."""
    return sessions.with_columns(pl.col("energy_kwh") / _WH_PER_KWH)


def mj_for_kwh(sessions: pl.DataFrame, _: np.random.Generator) -> pl.DataFrame:
    """The energy is told in MJ."""
    return sessions.with_columns(pl.col("energy_kwh") * _MJ_PER_KWH)


FAULTS: Final[dict[str, Fault]] = {
    "power over rating": power_over_rating,
    "fast at midnight": fast_at_midnight,
    "overstay": overstay,
    "clock skew": clock_skew,
    "wrong unit: Wh": wh_for_kwh,
    "wrong unit: MWh": mwh_for_kwh,
    "wrong unit: MJ": mj_for_kwh,
}
"""By what a person calls it."""


def _duration_h() -> pl.Expr:
    return (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 3.6e9


def _drawn(
    random: np.random.Generator, bounds: tuple[float, float], sessions: pl.DataFrame
) -> pl.Series:
    return pl.Series(random.uniform(*bounds, len(sessions)))


def _hours(hours: pl.Series) -> pl.Series:
    return (hours * 3.6e9).cast(pl.Int64).cast(pl.Duration("us"))


def _moved(sessions: pl.DataFrame, by: pl.Series) -> pl.DataFrame:
    return sessions.with_columns(pl.col("started_at") + by, pl.col("ended_at") + by)
