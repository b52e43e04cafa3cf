"""Habits: what is usual for a user or a station, frozen at training.

What lives here: means, spreads and upper quantiles a group, shrunk towards the population.
What does not: which quantities have habits (`residuals`).
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from ev_pipeline.domain.models.values import NO_KEY, Booleans, Floats, Integers, Keys

MIN_USER_SESSIONS: Final = 5
MIN_STATION_SESSIONS: Final = 20
"""With fewer sessions a user or a station has no habit of its own yet."""

PRIOR_SESSIONS: Final = 10.0
"""The population counts as this many sessions beside a group's own."""

_LEAST_SPREAD: Final = 0.05
"""Departures are in logarithms: a habit kept to within 5 % is not tighter than that."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The users or stations that have a habit, and which of them each fitted session belongs to.

    Args:
        keys: their keys, ascending.
        counts: sessions of each.
        member: for each fitted session the group's position, -1 for none.
    """

    keys: Keys
    counts: Integers
    member: Integers

    @classmethod
    def of(cls, keys: Keys, *, min_sessions: int) -> Self:
        """The groups with at least `min_sessions` among the sessions with these keys."""
        distinct, counts = np.unique(keys, return_counts=True)
        keep = (counts >= min_sessions) & (distinct != NO_KEY)
        return cls(
            keys=distinct[keep],
            counts=counts[keep].astype(np.int64),
            member=positions(distinct[keep], keys),
        )

    def shrunk_means(self, values: Floats) -> Floats:
        """Each group's mean, drawn towards the mean of all; the latter comes last."""
        population = values.mean()
        inside = self.member >= 0
        sums = np.bincount(self.member[inside], weights=values[inside], minlength=len(self.keys))
        means = (sums + PRIOR_SESSIONS * population) / (self.counts + PRIOR_SESSIONS)
        return np.append(means, population)

    def shrunk_quantiles(self, values: Floats, quantile: float) -> Floats:
        """Each group's quantile, drawn towards that of all; the latter comes last."""
        population = np.quantile(values, quantile)
        order = np.lexsort((values, self.member))
        ordered = values[order][np.count_nonzero(self.member < 0) :]
        starts = np.cumsum(self.counts) - self.counts
        rank = (self.counts - 1) * quantile
        below = np.floor(rank).astype(np.int64)
        above = np.ceil(rank).astype(np.int64)
        lower, upper = ordered[starts + below], ordered[starts + above]
        own = lower + (upper - lower) * (rank - below)
        shrunk = (self.counts * own + PRIOR_SESSIONS * population) / (self.counts + PRIOR_SESSIONS)
        return np.append(shrunk, population)


@dataclass(frozen=True, slots=True)
class Habit:
    """What is usual of one quantity, a group; each array's last element is the population's.

    Args:
        usual: mean of the quantity.
        spread: mean absolute departure from it.
    """

    usual: Floats
    spread: Floats

    @classmethod
    def fit(cls, quantity: Floats, groups: Groups) -> Self:
        """Freeze what is usual of `quantity` among the groups."""
        usual = groups.shrunk_means(quantity)
        departure = np.abs(quantity - usual[groups.member])
        return cls(usual, np.maximum(groups.shrunk_means(departure), _LEAST_SPREAD))

    def departure(self, quantity: Floats, group: Integers) -> Floats:
        """How many spreads each session lies above (or, negative, below) what is usual."""
        departure: Floats = (quantity - self.usual[group]) / self.spread[group]
        return departure

    def at(self, departure: float, group: Integers) -> Floats:
        """The quantity that lies so many spreads above what is usual for each group."""
        quantity: Floats = self.usual[group] + departure * self.spread[group]
        return quantity


def positions(known: Keys, keys: Keys) -> Integers:
    """Where each of `keys` stands in the ascending `known`; -1, hence the last, where it does not.

    What is kept a group has the population's value as its last element, so that the position of an
    unknown group finds it.
    """
    if not len(known):
        return np.full(len(keys), -1, dtype=np.int64)
    found = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    is_known: Booleans = known[found] == keys
    return np.where(is_known, found, -1)
