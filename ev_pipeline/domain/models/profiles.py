"""Profiles: what each cluster's stored sessions are like.

What lives here: typical values and how a cluster is spread over hours, weekdays and stations.
What does not: what a model was fitted on (`clusters`), drawing (`assets.plots`).
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

from ev_pipeline.domain.models.clusters import HOURS_PER_DAY, mean_hour

POWER_CLASSES_KW: Final = (7.4, 22.0, 60.0)
"""Upper bounds of kinds of station: a home's or lamp post's, the fastest on alternating current,
and the usual on direct current; above it are those of motorways."""

UNKNOWN_POWER: Final = "unknown"
STATION_KINDS: Final = ("to 7.4 kW", "to 22 kW", "to 60 kW", "over 60 kW", UNKNOWN_POWER)
_DAYS: Final = 7


def profile_clusters(sessions: pl.DataFrame, names: Mapping[int, str]) -> pl.DataFrame:
    """Describe every cluster that has a session, in the order of the numbers.

    Args:
        sessions: of every labelled one kmeans_cluster, start_hour, weekday, duration_h,
            energy_kwh, mean_power_kw and station_power_kw; only the last may be null.
        names: each cluster's name.

    Returns:
        The columns of `ev_cluster_profile` but for the model's version; lists of shares by weekday
        (Monday first), by hour (from 0) and by `STATION_KINDS`.
    """
    profiles = [
        {
            "kmeans_cluster": number,
            "cluster_name": names[number],
            "n_sessions": len(members),
            "share": len(members) / len(sessions),
            "start_hour": mean_hour(members["start_hour"].to_numpy()),
            "median_duration_h": members["duration_h"].median(),
            "median_energy_kwh": members["energy_kwh"].median(),
            "median_power_kw": members["mean_power_kw"].median(),
            "hour_shares": _shares(members["start_hour"] % HOURS_PER_DAY, int(HOURS_PER_DAY)),
            "weekday_shares": _shares(members["weekday"] - 1, _DAYS),
            "station_shares": _shares(_kinds(members["station_power_kw"]), len(STATION_KINDS)),
        }
        for (number,), members in sessions.sort("kmeans_cluster").group_by(
            "kmeans_cluster", maintain_order=True
        )
    ]
    return pl.DataFrame(profiles)


def _shares(positions: pl.Series, n: int) -> list[float]:
    counts = np.bincount(positions.cast(pl.Int64).to_numpy(), minlength=n)
    shares: list[float] = (counts / counts.sum()).tolist()
    return shares


def _kinds(power_kw: pl.Series) -> pl.Series:
    """Position in `STATION_KINDS` of each station's power."""
    bounds = np.array(POWER_CLASSES_KW)
    known = np.searchsorted(bounds, power_kw.fill_null(0).to_numpy(), side="left")
    unknown = STATION_KINDS.index(UNKNOWN_POWER)
    return pl.Series(np.where(power_kw.is_null().to_numpy(), unknown, known))
