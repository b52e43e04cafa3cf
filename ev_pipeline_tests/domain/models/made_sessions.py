"""Sessions with known behaviours, made from a seed: what models are tried on where truth is known.

What lives here: three behaviours at stations and by users of their own, and their features.
What does not: the sample that ships (`simulator`), real sessions (`real_sessions`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl

from ev_pipeline.domain.features import (
    merge_session_features,
    summarise_stations,
    summarise_users,
)


@dataclass(frozen=True)
class Behaviour:
    """How one group of drivers charges."""

    name: str
    hour: float
    hour_spread: float
    duration_h: float
    power_kw: float


BEHAVIOURS: Final = (
    Behaviour("overnight", 20.0, 1.5, 11.0, 2.5),
    Behaviour("workplace", 8.5, 0.8, 7.5, 3.5),
    Behaviour("fast", 14.0, 3.0, 0.5, 38.0),
)
_FIRST_DAY_US: Final = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
_US_PER_HOUR: Final = 3_600_000_000
_US_PER_SECOND: Final = 1_000_000
_SPREAD: Final = 0.25


def make_sessions(n: int, *, seed: int, stations: int = 30, users: int = 60) -> pl.DataFrame:
    """Sessions as the reader of features hands them out, with their true behaviour beside them.

    Every behaviour has stations and users of its own; a tenth of the sessions name no user, and
    half tell their charging duration.
    """
    random = np.random.default_rng(seed)
    kind = random.integers(0, len(BEHAVIOURS), n)

    def of_kind(field: str) -> np.ndarray:
        return np.array([getattr(behaviour, field) for behaviour in BEHAVIOURS])[kind]

    day = random.integers(0, 365, n)
    hour = random.normal(of_kind("hour"), of_kind("hour_spread")) % 24
    duration_h = of_kind("duration_h") * random.lognormal(0, _SPREAD, n)
    energy_kwh = of_kind("power_kw") * duration_h * random.lognormal(-0.2, _SPREAD / 2, n)
    started_us = _FIRST_DAY_US + ((day * 24 + hour) * 3600).astype(np.int64) * _US_PER_SECOND
    station = kind + len(BEHAVIOURS) * random.integers(0, max(stations // len(BEHAVIOURS), 1), n)
    user = kind + len(BEHAVIOURS) * random.integers(0, max(users // len(BEHAVIOURS), 1), n)
    is_unnamed = random.random(n) < 0.1
    charging_h = np.where(random.random(n) < 0.5, duration_h * 0.9, np.nan)
    return pl.DataFrame(
        {
            "session_id": [f"{number:032x}" for number in random.permutation(n)],
            "revision": np.ones(n, dtype=np.int32),
            "scope": "made",
            "station_id": [f"station-{number}" for number in station],
            "user_id": [
                None if unnamed else f"user-{number}"
                for number, unnamed in zip(user, is_unnamed, strict=True)
            ],
            "quality": "valid",
            "quality_codes": pl.Series([[]] * n, dtype=pl.List(pl.String)),
            "started_us": started_us,
            "ended_us": started_us + (duration_h * _US_PER_HOUR).astype(np.int64),
            "started_local_us": started_us,
            "energy_kwh": energy_kwh,
            "charging_duration_h": charging_h,
            "behaviour": [BEHAVIOURS[number].name for number in kind],
        }
    ).with_columns(pl.col("charging_duration_h").fill_nan(None))


def features_of(sessions: pl.DataFrame) -> pl.DataFrame:
    """The sessions' features in order, with the names and types of `ev_session_features`."""
    lazy = sessions.lazy()
    merged = merge_session_features(lazy, summarise_users(lazy), summarise_stations(lazy))
    started_at = pl.from_epoch("started_us", time_unit="us").dt.replace_time_zone("UTC")
    return (
        merged.with_columns(started_at.alias("started_at"))
        .drop("started_us")
        .collect()
        .sort("session_id")
    )
