"""What is unexpected of a session: how far it departs from what was usual at training.

What lives here: the residual columns, in an order that artifacts keep, and what each was held
against. What does not: how rare a residual is (`tails`), words for it (`reasons`).
"""

from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np

from ev_pipeline.domain.models.artifact import Arrays
from ev_pipeline.domain.models.habits import (
    MIN_STATION_SESSIONS,
    MIN_USER_SESSIONS,
    Groups,
    Habit,
    positions,
)
from ev_pipeline.domain.models.hours import HourShares, Kinds, end_hour, start_hour
from ev_pipeline.domain.models.values import Floats, Integers, Keys, SessionValues

RESIDUALS: Final = (
    "power_over_station",
    "long_for_energy",
    "long_at_station",
    "little_energy",
    "much_energy",
    "unusual_hour",
    "long_for_user",
    "much_energy_for_user",
    "unusual_hour_for_user",
)
"""Codes of the residuals, in the order of the columns. Each is odd where it is high: who stays
short or takes little in a short stay harms nobody."""

_POWER_QUANTILE: Final = 0.99
_CURVE_POINTS: Final = 21
"""A curve is a line through the medians of twenty equal groups of sessions."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The median of one quantity given another, both in logarithms.

    Args:
        given: ascending.
        median: of the other, at each.
    """

    given: Floats
    median: Floats

    @classmethod
    def fit(cls, given: Floats, quantity: Floats) -> Self:
        """Medians through the middles of equal groups of sessions."""
        order = np.lexsort((quantity, given))
        groups = np.array_split(order, min(_CURVE_POINTS - 1, len(order)))
        middles = np.array([np.median(given[group]) for group in groups])
        medians = np.array([np.median(quantity[group]) for group in groups])
        # Interpolation needs rising middles: groups with one middle are one point.
        distinct, inverse, counts = np.unique(middles, return_inverse=True, return_counts=True)
        return cls(distinct, np.bincount(inverse, weights=medians) / counts)

    def at(self, given: Floats) -> Floats:
        """The median at each."""
        median: Floats = np.interp(given, self.given, self.median)
        return median


@dataclass(frozen=True, slots=True)
class Expectations:
    """Everything that a session is held against, frozen at training.

    Args:
        station_keys: stations with a habit, ascending.
        user_keys: users with a habit, ascending.
        energy_curve: log energy given the log duration.
        duration_curve: log duration given the log energy.
        station_power: 99th percentile of the log mean power, a station.
        station_excess: log energy beyond its curve, a station.
        station_delay: log duration beyond its curve, a station.
        station_duration: log duration, a station.
        station_energy: log energy, a station.
        user_duration: log duration, a user.
        user_energy: log energy, a user.
        kinds: kinds of session.
        station_starts: shares of the hours in which sessions start, a station.
        station_ends: shares of the hours in which they end.
        kind_starts: shares of the hours in which they start, a kind.
        kind_ends: shares of the hours in which they end.
        user_starts: shares of the hours in which they start, a user.
    """

    station_keys: Keys
    user_keys: Keys
    energy_curve: Curve
    duration_curve: Curve
    station_power: Floats
    station_excess: Habit
    station_delay: Habit
    station_duration: Habit
    station_energy: Habit
    user_duration: Habit
    user_energy: Habit
    kinds: Kinds
    station_starts: HourShares
    station_ends: HourShares
    kind_starts: HourShares
    kind_ends: HourShares
    user_starts: HourShares

    @classmethod
    def fit(cls, values: SessionValues) -> Self:
        """Freeze what is usual among the sessions."""
        stations = Groups.of(values.station, min_sessions=MIN_STATION_SESSIONS)
        users = Groups.of(values.user, min_sessions=MIN_USER_SESSIONS)
        energy_curve = Curve.fit(values.log_duration, values.log_energy)
        duration_curve = Curve.fit(values.log_energy, values.log_duration)
        kinds = Kinds.fit(values)
        kind, starts, ends = kinds.of(values), start_hour(values), end_hour(values)
        return cls(
            station_keys=stations.keys,
            user_keys=users.keys,
            energy_curve=energy_curve,
            duration_curve=duration_curve,
            station_power=stations.shrunk_quantiles(values.log_power, _POWER_QUANTILE),
            station_excess=Habit.fit(
                values.log_energy - energy_curve.at(values.log_duration), stations
            ),
            station_delay=Habit.fit(
                values.log_duration - duration_curve.at(values.log_energy), stations
            ),
            station_duration=Habit.fit(values.log_duration, stations),
            station_energy=Habit.fit(values.log_energy, stations),
            user_duration=Habit.fit(values.log_duration, users),
            user_energy=Habit.fit(values.log_energy, users),
            kinds=kinds,
            station_starts=HourShares.of_groups(starts, stations),
            station_ends=HourShares.of_groups(ends, stations),
            kind_starts=HourShares.fit(starts, kind, len(kinds)),
            kind_ends=HourShares.fit(ends, kind, len(kinds)),
            user_starts=HourShares.of_groups(starts, users),
        )

    def residuals(self, values: SessionValues) -> Floats:
        """The residual columns, shape (residuals, sessions), in the order of `RESIDUALS`.

        NaN where a session's user has no habit: whoever has none breaks none.
        """
        station = positions(self.station_keys, values.station)
        user = positions(self.user_keys, values.user)
        excess = values.log_energy - self.energy_curve.at(values.log_duration)
        delay = values.log_duration - self.duration_curve.at(values.log_energy)
        columns = np.stack(
            [
                values.log_power - self.station_power[station],
                self.station_delay.departure(delay, station),
                self.station_duration.departure(values.log_duration, station),
                -self.station_excess.departure(excess, station),
                self.station_energy.departure(values.log_energy, station),
                self._hour_surprise(values, station),
                self.user_duration.departure(values.log_duration, user),
                self.user_energy.departure(values.log_energy, user),
                -np.log(self.user_starts.expected[user, start_hour(values)]),
            ]
        )
        columns[len(RESIDUALS) - 3 :, user < 0] = np.nan
        return columns

    def limits(self, values: SessionValues, said: Floats) -> Floats:
        """Up to where (for little_energy: down to where) each quantity is usual.

        Args:
            values: the sessions.
            said: how high each residual usually is at most.

        Returns:
            h, kWh, kW, or for hours the busiest one; shape and order of `residuals`. Infinite where
            nobody has the residual.
        """
        station = positions(self.station_keys, values.station)
        user = positions(self.user_keys, values.user)
        logs = [
            self.station_power[station],
            self.duration_curve.at(values.log_energy) + self.station_delay.at(said[1], station),
            self.station_duration.at(said[2], station),
            self.energy_curve.at(values.log_duration) + self.station_excess.at(-said[3], station),
            self.station_energy.at(said[4], station),
            np.zeros(len(values)),
            self.user_duration.at(said[6], user),
            self.user_energy.at(said[7], user),
            np.zeros(len(values)),
        ]
        limits = np.exp(np.stack(logs))
        limits[RESIDUALS.index("unusual_hour")] = self.station_starts.busiest(station)
        limits[RESIDUALS.index("unusual_hour_for_user")] = self.user_starts.busiest(user)
        return limits

    def knows_station(self, values: SessionValues) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
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
                continue
            kind = field.type
            names = [part.name for part in fields(kind)]  # type: ignore[arg-type]  # a dataclass
            parts[field.name] = kind(**{name: arrays[f"{field.name}.{name}"] for name in names})  # type: ignore[operator]  # likewise
        return cls(**parts)  # type: ignore[arg-type]  # each field's arrays were written by `arrays`

    def _hour_surprise(self, values: SessionValues, station: Integers) -> Floats:
        """Minus the logarithm of how likely start and end are, given station, length and power."""
        kind = self.kinds.of(values)
        surprise = np.zeros(len(values))
        for hour, at_station, of_kind in (
            (start_hour(values), self.station_starts, self.kind_starts),
            (end_hour(values), self.station_ends, self.kind_ends),
        ):
            likely = at_station.share(hour) * at_station.lift(hour, station)
            surprise -= np.log(likely * of_kind.lift(hour, kind))
        return surprise
