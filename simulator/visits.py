"""Who wants to charge where, when and for how long.

What lives here: plans. What does not: what becomes of them at the station (`sessions`).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.behaviours import BEHAVIOURS, Behaviour
from simulator.seasons import SATURDAY, day_numbers, kinds_of_day
from simulator.stations import Stations
from simulator.users import Users, draw_hours

HABIT_SPREAD_H: Final = 0.45
"""How closely users keep to their own usual hour, h."""

LIE_IN_H: Final = 1.6
"""How much later cars leave on the morning of a free day, h."""

FORGOTTEN_SHARE: Final = 0.004
"""Share of long stays whose car is left for days."""

SHORTEST_STAY_S: Final = 300

SHORTEST_WAIT_H: Final = 0.5
"""Who comes later than this before the hour of leaving stays for a usual length of time, h."""

DAY_S: Final = 86_400
DAY_H: Final = 24

LATEST_HOUR: Final = 23.98


@dataclass(frozen=True, slots=True)
class Visits:
    """Planned visits in order of their start, as arrays with one entry a visit.

    Args:
        user: number of the user.
        behaviour: number of the behaviour.
        station: number of the station.
        day: days since the first day.
        hour: hour of the station's clock at the start.
        start_s: start, seconds of the station's clock since the first day began.
        stay_s: how long the car may stay, s.
    """

    user: np.ndarray
    behaviour: np.ndarray
    station: np.ndarray
    day: np.ndarray
    hour: np.ndarray
    start_s: np.ndarray
    stay_s: np.ndarray


@dataclass(frozen=True, slots=True)
class _World:
    """What every draw looks at: who there is, where, on what kinds of day, and chance."""

    users: Users
    stations: Stations
    kinds_of_day: np.ndarray
    rng: np.random.Generator


def plan_visits(
    users: Users, stations: Stations, *, days: int, per_day: float, rng: np.random.Generator
) -> Visits:
    """About `per_day` visits on an average day, over `days` days."""
    world = _World(users, stations, kinds_of_day(days), rng)
    rates = [_rates(number, world, days) for number in range(len(BEHAVIOURS))]
    scale = per_day * days / sum(float(rate.sum()) for rate in rates)
    parts = []
    for number, behaviour in enumerate(BEHAVIOURS):
        most = behaviour.max_visits_per_day
        times = rng.binomial(most, np.minimum(1, scale * rates[number] / most))
        user, day = np.nonzero(times)
        repeats = times[user, day]
        parts.append(_visits_of(number, world, np.repeat(user, repeats), np.repeat(day, repeats)))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    visits = Visits(*columns)
    order = np.lexsort((visits.user, visits.start_s))
    return Visits(*(column[order] for column in columns))


def _rates(number: int, world: _World, days: int) -> np.ndarray:
    """Mean visits by user and day."""
    behaviour = BEHAVIOURS[number]
    of_user = np.where(
        world.users.main == number, behaviour.visits_per_day, behaviour.guest_visits_per_day
    )
    weekdays = np.array(behaviour.weekday_factors)[world.kinds_of_day]
    months = np.array([day.month - 1 for day in day_numbers(days)])
    of_day = weekdays * np.array(behaviour.month_factors)[months]
    return np.asarray(of_user[:, None] * of_day[None, :])


def _visits_of(
    number: int, world: _World, user: np.ndarray, day: np.ndarray
) -> tuple[np.ndarray, ...]:
    """One visit for each user and day given, in the order of the fields of `Visits`."""
    behaviour, users, rng, count = BEHAVIOURS[number], world.users, world.rng, len(user)
    usual = users.usual_hour[user, number] + HABIT_SPREAD_H * rng.standard_normal(count)
    hour = np.where(rng.random(count) < behaviour.habit, usual, draw_hours(behaviour, count, rng))
    hour = np.clip(hour, 0, LATEST_HOUR)
    stay_h = _stays_h(behaviour, world, users.leave_shift_h[user], day, hour)
    elsewhere = rng.choice(world.stations.at(behaviour.site), size=count)
    is_loyal = rng.random(count) < users.loyalty[number]
    station = np.where(is_loyal, users.usual_station[user, number], elsewhere)
    start_s = day * DAY_S + np.floor(hour * 3600).astype(np.int64)
    stay_s = np.maximum(SHORTEST_STAY_S, np.floor(stay_h * 3600)).astype(np.int64)
    return user, np.full(count, number), station, day, hour, start_s, stay_s


def _stays_h(
    behaviour: Behaviour,
    world: _World,
    shift_h: np.ndarray,
    day: np.ndarray,
    hour: np.ndarray,
) -> np.ndarray:
    rng, count = world.rng, len(day)
    stay_h = behaviour.stay_h * np.exp(behaviour.stay_sigma * rng.standard_normal(count))
    if behaviour.leaves_at_h is not None:
        leave = behaviour.leaves_at_h + shift_h
        leave = leave + behaviour.leave_spread_h * rng.standard_normal(count)
        tomorrow = world.kinds_of_day[np.minimum(day + 1, len(world.kinds_of_day) - 1)]
        is_overnight = behaviour.leaves_at_h > DAY_H
        leave = leave + LIE_IN_H * (is_overnight & (tomorrow >= SATURDAY))
        stay_h = np.where(leave - hour > SHORTEST_WAIT_H, leave - hour, stay_h)
        forgotten = rng.random(count) < FORGOTTEN_SHARE
        stay_h = stay_h + forgotten * DAY_H * rng.integers(1, 4, size=count)
    is_early = rng.random(count) < behaviour.early_share
    return np.asarray(np.where(is_early, stay_h * (0.08 + 0.6 * rng.random(count)), stay_h))
