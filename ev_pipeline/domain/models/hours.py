"""How usual an hour of the day is, for a station, a user or a kind of session, frozen at training.

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

_POWER_QUANTILES: Final = (1 / 3, 2 / 3)
_DURATION_QUANTILES: Final = (0.25, 0.5, 0.75)
"""Enough kinds of session to see that fast charging at midnight is odd."""

_PSEUDO_SESSIONS: Final = 0.5
"""Counted in every hour, so that an hour never seen has a finite surprise."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """Kinds of session, by length and power.

    Args:
        duration_edges: log durations where kinds meet.
        power_edges: log mean powers where they meet.
    """

    duration_edges: Floats
    power_edges: Floats

    @classmethod
    def fit(cls, values: SessionValues) -> Self:
        """Edges that part the sessions evenly."""
        return cls(
            np.quantile(values.log_duration, _DURATION_QUANTILES),
            np.quantile(values.log_power, _POWER_QUANTILES),
        )

    def __len__(self) -> int:
        """Number of kinds."""
        return (len(self.duration_edges) + 1) * (len(self.power_edges) + 1)

    def of(self, values: SessionValues) -> Integers:
        """The kind of each session."""
        length = np.searchsorted(self.duration_edges, values.log_duration)
        power = np.searchsorted(self.power_edges, values.log_power)
        kind: Integers = (length * (len(self.power_edges) + 1) + power).astype(np.int64)
        return kind


@dataclass(frozen=True, slots=True)
class HourShares:
    """Shares of sessions by an hour of theirs: 24 columns, one row a group, the population's last.

    Args:
        expected: smoothed over the neighbouring hours, and drawn towards the population.
        counted: as anyone would count them.
    """

    expected: Floats
    counted: Floats

    @classmethod
    def fit(cls, hour: Integers, member: Integers, n_groups: int) -> Self:
        """Count the hours of the sessions.

        Args:
            hour: of each session.
            member: the group of each, -1 for none.
            n_groups: how many groups there are.
        """
        everywhere = _counts(np.zeros(len(hour), dtype=np.int64), hour, 1)
        population = _filled_shares(_smooth(everywhere))
        inside = member >= 0
        own = _counts(member[inside], hour[inside], n_groups)
        drawn = _smooth(own) + PRIOR_SESSIONS * population
        return cls(
            expected=np.vstack([_shares(drawn), population]),
            counted=_shares(np.vstack([own, everywhere])),
        )

    @classmethod
    def of_groups(cls, hour: Integers, groups: Groups) -> Self:
        """Count the hours of the sessions of users or stations."""
        return cls.fit(hour, groups.member, len(groups.keys))

    def lift(self, hour: Integers, group: Integers) -> Floats:
        """How much likelier each hour is for the group than for all; a factor."""
        lift: Floats = self.expected[group, hour] / self.expected[-1, hour]
        return lift

    def share(self, hour: Integers) -> Floats:
        """How likely each hour is for all."""
        share: Floats = self.expected[-1, hour]
        return share

    def busiest(self, group: Integers) -> Floats:
        """Hour with most sessions of each group, the earlier of equals."""
        busiest: Floats = self.counted[group].argmax(axis=1).astype(np.float64)
        return busiest


def start_hour(values: SessionValues) -> Integers:
    """The hour of day in which each session starts."""
    return _hour(values.start_hour)


def end_hour(values: SessionValues) -> Integers:
    """The hour of day in which each session ends, were its day 24 h long."""
    return _hour(values.start_hour + np.exp(values.log_duration))


def _hour(clock: Floats) -> Integers:
    return np.floor(clock % _HOURS).astype(np.int64) % _HOURS


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
    """Rows as shares of their sums; a row without sessions has none."""
    sums = counts.sum(axis=1, keepdims=True)
    shares: Floats = counts / np.maximum(sums, np.finfo(float).tiny)
    return shares
