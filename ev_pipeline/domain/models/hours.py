"""How usual an hour of plug-in is, at a station and for a power, frozen at training.

What lives here: smoothed shares of the hours for the surprise of one, counted ones for the words.
What does not: what else may be unexpected of a session (`residuals`).
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from ev_pipeline.domain.models.habits import PRIOR_SESSIONS, Groups
from ev_pipeline.domain.models.values import Floats, Integers, SessionValues

_HOURS: Final = 24
EVEN_SHARE: Final = 1 / _HOURS
"""What each hour would have if all were alike: an hour with as much is not unusual."""

_BAND_QUANTILES: Final = (1 / 3, 2 / 3)
"""Slow, middling and fast: enough to see that fast charging at midnight is odd."""

_PSEUDO_SESSIONS: Final = 0.5
"""Counted in every hour, so that an hour never seen has a finite surprise."""


@dataclass(frozen=True, slots=True)
class HourShares:
    """Shares of sessions by hour of plug-in.

    Args:
        by_station: one row a station of the groups, the population's last; 24 columns.
        counted: the same without smoothing, as anyone would count them.
        by_band: one row a power band; 24 columns.
        band_edges: log mean power where the bands meet.
    """

    by_station: Floats
    counted: Floats
    by_band: Floats
    band_edges: Floats

    @classmethod
    def fit(cls, values: SessionValues, stations: Groups) -> Self:
        """Count the hours of the sessions, smoothed over the neighbouring hours."""
        hour = _hour(values)
        everywhere = _counts(np.zeros(len(values), dtype=np.int64), hour, 1)
        population = _filled_shares(_smooth(everywhere))
        edges = np.quantile(values.log_power, _BAND_QUANTILES)
        bands = _smooth(_counts(_band(values, edges), hour, len(edges) + 1))
        inside = stations.member >= 0
        own = _counts(stations.member[inside], hour[inside], len(stations.keys))
        shrunk = _smooth(own) + PRIOR_SESSIONS * population
        return cls(
            by_station=np.vstack([_filled_shares(shrunk), population]),
            counted=_shares(np.vstack([own, everywhere])),
            by_band=_filled_shares(bands),
            band_edges=edges,
        )

    def surprise(self, values: SessionValues, station: Integers) -> Floats:
        """Minus the logarithm of how likely the hour is, given the station and the power.

        Args:
            values: the sessions.
            station: position of each one's station in the groups, -1 for none.
        """
        hour = _hour(values)
        at_station = self.by_station[station, hour]
        at_power = self.by_band[_band(values, self.band_edges), hour]
        surprise: Floats = -np.log(at_station * at_power / self.by_station[-1, hour])
        return surprise

    def share(self, values: SessionValues, station: Integers) -> Floats:
        """Share of the station's fitted sessions that start in the same hour."""
        shares: Floats = self.counted[station, _hour(values)]
        return shares

    def busiest(self, station: Integers) -> Floats:
        """Hour in which most sessions of the station start, the earlier of equals."""
        busiest: Floats = self.counted[station].argmax(axis=1).astype(np.float64)
        return busiest


def _hour(values: SessionValues) -> Integers:
    return np.floor(values.start_hour).astype(np.int64) % _HOURS


def _band(values: SessionValues, edges: Floats) -> Integers:
    return np.searchsorted(edges, values.log_power).astype(np.int64)


def _counts(row: Integers, hour: Integers, n_rows: int) -> Integers:
    """Sessions by row and hour."""
    counts = np.bincount(row * _HOURS + hour, minlength=n_rows * _HOURS)
    return counts.reshape(n_rows, _HOURS).astype(np.int64)


def _smooth(counts: Integers) -> Floats:
    """Each session counted half in its hour and a quarter in either next."""
    before, after = np.roll(counts, 1, axis=1), np.roll(counts, -1, axis=1)
    smoothed: Floats = 0.5 * counts + 0.25 * before + 0.25 * after
    return smoothed


def _filled_shares(counts: Floats) -> Floats:
    return _shares(counts + _PSEUDO_SESSIONS)


def _shares(counts: Floats | Integers) -> Floats:
    shares: Floats = counts / counts.sum(axis=1, keepdims=True)
    return shares
