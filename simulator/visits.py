"""Who wants to charge where, when and for how long.

What lives here: plans. What does not: what becomes of them at the station (`sessions`).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.behaviours import BEHAVIOURS, Behaviour
from simulator.seasons import SUNDAY, day_numbers, kinds_of_day
from simulator.stations import Stations
from simulator.users import Users, draw_hours

HABIT_SPREAD_H: Final = 0.45
"""How closely users keep to their own usual hour, h."""

LIE_IN_H: Final = 1.6
"""How much later cars leave on the morning of a free day, h."""

FORGOTTEN_SHARE: Final = 0.004
"""Share of long stays whose car is left for days."""

SHORTEST_STAY_S: Final = 300

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


def plan_visits(
    users: Users, stations: Stations, *, days: int, per_day: float, rng: np.random.Generator
) -> Visits:
    """About `per_day` visits on an average day, over `days` days."""
    kinds = kinds_of_day(days)
    rates = [_rates(number, users, kinds, days) for number in range(len(BEHAVIOURS))]
    scale = per_day * days / sum(float(rate.sum()) for rate in rates)
    parts = []
    for number, behaviour in enumerate(BEHAVIOURS):
        most = behaviour.max_visits_per_day
        chance = np.minimum(1, scale * rates[number] / most)
        user, day = np.nonzero(visits := rng.binomial(most, chance))
        repeats = visits[user, day]
        user, day = np.repeat(user, repeats), np.repeat(day, repeats)
        parts.append(_visits_of(number, behaviour, users, stations, user, day, kinds, rng))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.lexsort((columns[0], columns[5]))
    return Visits(*(column[order] for column in columns))


def _rates(number: int, users: Users, kinds: np.ndarray, days: int) -> np.ndarray:
    behaviour = BEHAVIOURS[number]
    of_user = np.where(
        users.main == number, behaviour.visits_per_day, behaviour.guest_visits_per_day
    )
    months = np.array([day.month - 1 for day in day_numbers(days)])
    of_day = np.array(behaviour.weekday_factors)[kinds] * np.array(behaviour.month_factors)[months]
    return np.asarray(of_user[:, None] * of_day[None, :])


def _visits_of(  # noqa: PLR0913, PLR0917 - one behaviour's draws need all that shapes them
    number: int,
    behaviour: Behaviour,
    users: Users,
    stations: Stations,
    user: np.ndarray,
    day: np.ndarray,
    kinds: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, ...]:
    count = len(user)
    usual = users.usual_hour[user, number] + HABIT_SPREAD_H * rng.standard_normal(count)
    hour = np.where(rng.random(count) < behaviour.habit, usual, draw_hours(behaviour, count, rng))
    hour = np.clip(hour, 0, LATEST_HOUR)
    stay_h = _stays_h(behaviour, users.leave_shift_h[user], day, hour, kinds, rng)
    elsewhere = rng.choice(stations.at(behaviour.site), size=count)
    is_loyal = rng.random(count) < users.loyalty[number]
    station = np.where(is_loyal, users.usual_station[user, number], elsewhere)
    start_s = day * 86_400 + np.floor(hour * 3600).astype(np.int64)
    stay_s = np.maximum(SHORTEST_STAY_S, np.floor(stay_h * 3600)).astype(np.int64)
    return user, np.full(count, number), station, day, hour, start_s, stay_s


def _stays_h(
    behaviour: Behaviour,
    shift_h: np.ndarray,
    day: np.ndarray,
    hour: np.ndarray,
    kinds: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    count = len(day)
    stay_h = behaviour.stay_h * np.exp(behaviour.stay_sigma * rng.standard_normal(count))
    if behaviour.leaves_at_h is not None:
        leave = behaviour.leaves_at_h + shift_h
        leave = leave + behaviour.leave_spread_h * rng.standard_normal(count)
        tomorrow = kinds[np.minimum(day + 1, len(kinds) - 1)]
        is_night = behaviour.leaves_at_h > 24  # noqa: PLR2004 - hours of a day
        leave = leave + LIE_IN_H * (is_night & (tomorrow >= SUNDAY - 1))
        stay_h = np.where(leave - hour > 0.5, leave - hour, stay_h)  # noqa: PLR2004 - half an hour
        forgotten = rng.random(count) < FORGOTTEN_SHARE
        stay_h = stay_h + forgotten * 24 * rng.integers(1, 4, size=count)
    is_early = rng.random(count) < behaviour.early_share
    return np.asarray(np.where(is_early, stay_h * (0.08 + 0.6 * rng.random(count)), stay_h))
