"""How people charge, as parameters: the only place where behaviours differ.

What lives here: behaviours as data. What does not: the random draws made from them (`visits`,
`sessions`), or anything that a feature may read.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Site(StrEnum):
    """What kind of place a station stands at."""

    STREET = "street"
    WORKPLACE = "workplace"
    HUB = "hub"
    DESTINATION = "destination"


@dataclass(frozen=True, slots=True)
class Peak:
    """A time of day around which sessions start.

    Args:
        hour: centre, hours of the station's clock.
        spread_h: standard deviation, h.
        weight: share of the starts that belong to it.
    """

    hour: float
    spread_h: float
    weight: float


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One way to charge.

    Args:
        name: the name in the ground truth.
        site: where it happens.
        user_share: share of the users whose main behaviour it is.
        visits_per_day: mean visits of such a user on an average day.
        guest_visits_per_day: mean visits on an average day of users who mainly do something else.
        max_visits_per_day: most visits in one day.
        weekday_factors: activity Monday to Sunday; holidays count as Sundays.
        month_factors: activity January to December.
        peaks: when sessions start.
        habit: share of sessions that start near the user's own usual hour.
        stay_h: median stay, h, where people do not leave at a time of day.
        stay_sigma: spread of the stay's logarithm.
        leaves_at_h: hour at which people leave, counted from midnight of the day they came; null
            where the stay has a length of its own.
        leave_spread_h: standard deviation of that hour, h.
        early_share: share of visits that are cut short at random.
        leaves_when_full: whether people leave when the battery has what they want.
        daily_km: median distance driven in a day, km.
        wanted_soc: state of charge at which users stop, lowest and highest habit.
        ad_hoc_share: share of sessions by visitors who pay by card and leave no user id.
    """

    name: str
    site: Site
    user_share: float
    visits_per_day: float
    guest_visits_per_day: float
    max_visits_per_day: int
    weekday_factors: tuple[float, ...]
    month_factors: tuple[float, ...]
    peaks: tuple[Peak, ...]
    habit: float
    stay_h: float
    stay_sigma: float
    leaves_at_h: float | None
    leave_spread_h: float
    early_share: float
    leaves_when_full: bool
    daily_km: float
    wanted_soc: tuple[float, float]
    ad_hoc_share: float


BEHAVIOURS: Final = (
    Behaviour(
        name="overnight_street",
        site=Site.STREET,
        user_share=0.34,
        visits_per_day=0.25,
        guest_visits_per_day=0.01,
        max_visits_per_day=1,
        weekday_factors=(1.10, 1.05, 1.0, 1.05, 0.85, 0.75, 1.20),
        month_factors=(1.10, 1.08, 1.03, 1.0, 0.97, 0.95, 0.90, 0.75, 1.0, 1.03, 1.07, 1.12),
        peaks=(Peak(18.6, 0.9, 0.55), Peak(20.4, 1.1, 0.35), Peak(22.5, 0.8, 0.10)),
        habit=0.8,
        stay_h=12.0,
        stay_sigma=0.2,
        leaves_at_h=31.9,
        leave_spread_h=1.1,
        early_share=0.08,
        leaves_when_full=False,
        daily_km=30.0,
        wanted_soc=(0.85, 1.0),
        ad_hoc_share=0.02,
    ),
    Behaviour(
        name="workplace_day",
        site=Site.WORKPLACE,
        user_share=0.27,
        visits_per_day=0.29,
        guest_visits_per_day=0.0,
        max_visits_per_day=1,
        weekday_factors=(1.40, 1.45, 1.40, 1.35, 1.10, 0.04, 0.0),
        month_factors=(1.05, 1.05, 1.05, 1.0, 1.05, 1.0, 0.90, 0.50, 1.08, 1.10, 1.08, 0.80),
        peaks=(Peak(8.4, 0.5, 0.60), Peak(9.4, 0.5, 0.30), Peak(13.6, 0.7, 0.10)),
        habit=0.85,
        stay_h=8.5,
        stay_sigma=0.2,
        leaves_at_h=17.6,
        leave_spread_h=1.0,
        early_share=0.15,
        leaves_when_full=False,
        daily_km=38.0,
        wanted_soc=(0.85, 1.0),
        ad_hoc_share=0.0,
    ),
    Behaviour(
        name="fast_stop",
        site=Site.HUB,
        user_share=0.16,
        visits_per_day=0.22,
        guest_visits_per_day=0.012,
        max_visits_per_day=2,
        weekday_factors=(0.90, 0.85, 0.85, 0.95, 1.20, 1.20, 1.05),
        month_factors=(0.85, 0.85, 0.92, 1.02, 0.98, 1.05, 1.25, 1.35, 1.0, 0.92, 0.88, 1.10),
        peaks=(Peak(8.2, 1.4, 0.20), Peak(12.8, 1.8, 0.35), Peak(18.0, 2.0, 0.45)),
        habit=0.2,
        stay_h=0.55,
        stay_sigma=0.40,
        leaves_at_h=None,
        leave_spread_h=0.0,
        early_share=0.05,
        leaves_when_full=True,
        daily_km=75.0,
        wanted_soc=(0.75, 0.90),
        ad_hoc_share=0.22,
    ),
    Behaviour(
        name="shared_car",
        site=Site.STREET,
        user_share=0.05,
        visits_per_day=1.05,
        guest_visits_per_day=0.0,
        max_visits_per_day=5,
        weekday_factors=(0.90, 0.90, 0.95, 1.0, 1.15, 1.15, 0.95),
        month_factors=(0.92, 0.94, 1.0, 1.05, 1.05, 1.08, 1.05, 0.95, 1.02, 1.0, 0.96, 0.98),
        peaks=(Peak(9.5, 1.5, 0.30), Peak(13.5, 2.0, 0.40), Peak(18.5, 1.8, 0.30)),
        habit=0.0,
        stay_h=0.95,
        stay_sigma=0.50,
        leaves_at_h=None,
        leave_spread_h=0.0,
        early_share=0.05,
        leaves_when_full=True,
        daily_km=70.0,
        wanted_soc=(0.88, 0.96),
        ad_hoc_share=0.0,
    ),
    Behaviour(
        name="destination_visit",
        site=Site.DESTINATION,
        user_share=0.18,
        visits_per_day=0.15,
        guest_visits_per_day=0.015,
        max_visits_per_day=1,
        weekday_factors=(0.70, 0.70, 0.75, 0.80, 1.05, 1.65, 1.35),
        month_factors=(0.92, 0.92, 0.96, 1.0, 1.0, 1.0, 1.08, 1.05, 0.98, 0.97, 1.05, 1.25),
        peaks=(Peak(11.2, 1.0, 0.30), Peak(15.8, 1.6, 0.45), Peak(19.4, 1.0, 0.25)),
        habit=0.35,
        stay_h=1.9,
        stay_sigma=0.45,
        leaves_at_h=None,
        leave_spread_h=0.0,
        early_share=0.05,
        leaves_when_full=False,
        daily_km=26.0,
        wanted_soc=(0.85, 1.0),
        ad_hoc_share=0.15,
    ),
)
"""Chosen to overlap where real ones do: late commuters look like early homecomers, a long stop at
a hub like a short visit to a shop, and one in ten visits is cut short."""
