"""What is unexpected of a session: how far it departs from what was usual at training.

What lives here: the residual columns, in an order that artifacts keep, and what was expected.
What does not: how odd a combination of residuals is (`forest`), words for it (`reasons`).
"""

from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np

from ev_pipeline.domain.models.artifact import Arrays
from ev_pipeline.domain.models.habits import (
    MIN_STATION_SESSIONS,
    MIN_USER_SESSIONS,
    Groups,
    positions,
)
from ev_pipeline.domain.models.hours import EVEN_SHARE, HourShares
from ev_pipeline.domain.models.values import Booleans, Floats, Integers, Keys, SessionValues

RESIDUALS: Final = (
    "energy_for_duration",
    "power_over_station",
    "duration_unlike_station",
    "energy_unlike_station",
    "duration_unlike_user",
    "energy_unlike_user",
    "unusual_hour",
)
"""Codes of the residuals, in the order of the columns."""

_POWER: Final = RESIDUALS.index("power_over_station")
_HOUR: Final = RESIDUALS.index("unusual_hour")
_ONE_SIDED: Final = (_POWER, _HOUR)
"""Only more is odd of these; of the others, which are departures, less is too."""

STATION_DEPARTURES: Final = tuple(
    RESIDUALS.index(code)
    for code in ("energy_for_duration", "duration_unlike_station", "energy_unlike_station")
)
"""Departures that every session has, whether or not its user has a habit."""

_LEAST_DEPARTURE: Final = 1.0
"""In spreads: whoever departs by less is nearer to the habit than the habit's own sessions are."""

_POWER_QUANTILE: Final = 0.99
_CURVE_POINTS: Final = 21
"""Energy for a duration is a line through the medians of twenty equal groups by duration."""

_LEAST_SPREAD: Final = 0.05
"""Departures are in logarithms: a habit kept to within 5 % is not tighter than that."""


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


@dataclass(frozen=True, slots=True)
class Expectations:
    """Everything that a session is held against, frozen at training.

    Args:
        station_keys: stations with a habit, ascending.
        user_keys: users with a habit, ascending.
        curve_duration: log durations between which the energy is interpolated.
        curve_energy: median log energy at each.
        station_excess: log energy beyond the curve, a station.
        station_duration: log duration, a station.
        station_energy: log energy, a station.
        user_duration: log duration, a user.
        user_energy: log energy, a user.
        station_power: 99th percentile of the log mean power, a station.
        hours: shares of the hours.
    """

    station_keys: Keys
    user_keys: Keys
    curve_duration: Floats
    curve_energy: Floats
    station_excess: Habit
    station_duration: Habit
    station_energy: Habit
    user_duration: Habit
    user_energy: Habit
    station_power: Floats
    hours: HourShares

    @classmethod
    def fit(cls, values: SessionValues) -> Self:
        """Freeze what is usual among the sessions."""
        stations = Groups.of(values.station, min_sessions=MIN_STATION_SESSIONS)
        users = Groups.of(values.user, min_sessions=MIN_USER_SESSIONS)
        curve_duration, curve_energy = _fit_curve(values)
        excess = values.log_energy - np.interp(values.log_duration, curve_duration, curve_energy)
        return cls(
            station_keys=stations.keys,
            user_keys=users.keys,
            curve_duration=curve_duration,
            curve_energy=curve_energy,
            station_excess=Habit.fit(excess, stations),
            station_duration=Habit.fit(values.log_duration, stations),
            station_energy=Habit.fit(values.log_energy, stations),
            user_duration=Habit.fit(values.log_duration, users),
            user_energy=Habit.fit(values.log_energy, users),
            station_power=stations.shrunk_quantiles(values.log_power, _POWER_QUANTILE),
            hours=HourShares.fit(values, stations),
        )

    def residuals(self, values: SessionValues) -> Floats:
        """The residual columns, shape (residuals, sessions), in the order of `RESIDUALS`."""
        station = positions(self.station_keys, values.station)
        user = positions(self.user_keys, values.user)
        has_habit = user >= 0
        excess = values.log_energy - self._curve(values)
        duration_of_user = self.user_duration.departure(values.log_duration, user)
        energy_of_user = self.user_energy.departure(values.log_energy, user)
        return np.stack(
            [
                self.station_excess.departure(excess, station),
                np.maximum(values.log_power - self.station_power[station], 0.0),
                self.station_duration.departure(values.log_duration, station),
                self.station_energy.departure(values.log_energy, station),
                # Whoever has no habit breaks none.
                np.where(has_habit, duration_of_user, 0.0),
                np.where(has_habit, energy_of_user, 0.0),
                self.hours.surprise(values, station),
            ]
        )

    def expected(self, values: SessionValues) -> Floats:
        """What was usual instead, in h, kWh, kW or hour of day; shape and order of `residuals`."""
        station = positions(self.station_keys, values.station)
        user = positions(self.user_keys, values.user)
        logs = [
            self._curve(values) + self.station_excess.usual[station],
            self.station_power[station],
            self.station_duration.usual[station],
            self.station_energy.usual[station],
            self.user_duration.usual[user],
            self.user_energy.usual[user],
        ]
        return np.vstack([np.exp(np.stack(logs)), self.hours.busiest(station)])

    def hour_share(self, values: SessionValues) -> Floats:
        """Share of the station's sessions that start in the same hour."""
        return self.hours.share(values, positions(self.station_keys, values.station))

    def is_unusual(self, columns: Floats, typical: Floats, hour_share: Floats) -> Booleans:
        """Where a residual lies in its odd direction, so that its sentence is true.

        A forest finds a residual odd on either side: an hour busier than most, too.

        Args:
            columns: the sessions' residuals.
            typical: median of each residual.
            hour_share: of each session, share of the station's sessions in the same hour.
        """
        is_unusual: Booleans = np.abs(columns) >= _LEAST_DEPARTURE
        for residual in _ONE_SIDED:
            is_unusual[residual] = columns[residual] > typical[residual]
        is_unusual[_HOUR] &= hour_share < EVEN_SHARE
        return is_unusual

    def knows_station(self, values: SessionValues) -> Booleans:
        """Whether each session's station has a habit of its own; else it has the population's."""
        return positions(self.station_keys, values.station) >= 0

    def arrays(self) -> Arrays:
        """The expectations as arrays, for an artifact."""
        arrays: Arrays = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                arrays[field.name] = value
            else:
                for part in fields(value):
                    arrays[f"{field.name}.{part.name}"] = getattr(value, part.name)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """The expectations that `arrays` was made of."""
        parts: dict[str, object] = {}
        for field in fields(cls):
            if field.name in arrays:
                parts[field.name] = arrays[field.name]
            else:
                kind = HourShares if field.name == "hours" else Habit
                names = [part.name for part in fields(kind)]
                parts[field.name] = kind(**{name: arrays[f"{field.name}.{name}"] for name in names})
        return cls(**parts)  # type: ignore[arg-type]  # each field's arrays were written by `arrays`

    def _curve(self, values: SessionValues) -> Floats:
        curve: Floats = np.interp(values.log_duration, self.curve_duration, self.curve_energy)
        return curve


def _fit_curve(values: SessionValues) -> tuple[Floats, Floats]:
    """Median log energy over log duration, through the middles of equal groups of sessions."""
    order = np.lexsort((values.log_energy, values.log_duration))
    groups = np.array_split(order, min(_CURVE_POINTS - 1, len(order)))
    duration = np.array([np.median(values.log_duration[group]) for group in groups])
    energy = np.array([np.median(values.log_energy[group]) for group in groups])
    # Interpolation needs rising durations: groups of one duration are one point.
    distinct, inverse, counts = np.unique(duration, return_inverse=True, return_counts=True)
    return distinct, np.bincount(inverse, weights=energy) / counts
