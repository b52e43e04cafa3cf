"""The people and cars that charge: habits and vehicles, drawn once.

What lives here: what stays with a user over the year. What does not: single visits (`visits`).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.behaviours import BEHAVIOURS, Behaviour, Site
from simulator.stations import Stations


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A kind of car.

    Args:
        model: its made-up name.
        weight: share of the cars.
        capacity_kwh: usable battery, kWh.
        ac_kw: most power from alternating current, kW.
        dc_kw: most power from direct current, kW.
        kwh_per_km: consumption at 20 °C.
    """

    model: str
    weight: float
    capacity_kwh: float
    ac_kw: float
    dc_kw: float
    kwh_per_km: float


VEHICLES: Final = (
    Vehicle("Mini 24", 0.10, 24.0, 3.7, 40.0, 0.145),
    Vehicle("Compact 40", 0.22, 40.0, 7.4, 50.0, 0.160),
    Vehicle("Compact 52", 0.20, 52.0, 11.0, 75.0, 0.160),
    Vehicle("Family 58", 0.22, 58.0, 11.0, 110.0, 0.175),
    Vehicle("Saloon 75", 0.16, 75.0, 11.0, 170.0, 0.170),
    Vehicle("Van 80", 0.10, 80.0, 22.0, 120.0, 0.235),
)

SHARED_VEHICLE: Final = 2
"""Shared fleets drive one model."""

REPORTING_SHARE: Final = 0.6
"""Share of users whose car tells the charger its state of charge and distance."""


@dataclass(frozen=True, slots=True)
class Users:
    """All users, as arrays with one entry a user (hours and stations: one row a user).

    Args:
        main: number of the behaviour that they mostly show.
        vehicle: number of their vehicle.
        age_years: age of the vehicle when the sample begins.
        daily_km: factor on the behaviour's distance.
        wanted_share: where between a behaviour's lowest and highest wanted charge they are.
        is_reporting: whether their car tells its state of charge.
        usual_hour: hour at which they usually come, by behaviour.
        leave_shift_h: how much later than others they leave.
        usual_station: station that they prefer, by behaviour.
        loyalty: share of their visits that go there.
    """

    main: np.ndarray
    vehicle: np.ndarray
    age_years: np.ndarray
    daily_km: np.ndarray
    wanted_share: np.ndarray
    is_reporting: np.ndarray
    usual_hour: np.ndarray
    leave_shift_h: np.ndarray
    usual_station: np.ndarray
    loyalty: np.ndarray

    @property
    def ids(self) -> list[str]:
        """The ids of all users, in order."""
        return [f"U-{number:04d}" for number in range(1, len(self.main) + 1)]


LOYALTY: Final = {
    Site.STREET: 0.8,
    Site.WORKPLACE: 0.97,
    Site.HUB: 0.45,
    Site.DESTINATION: 0.35,
}
"""Share of a user's visits that go to the station they prefer, by kind of site."""


def make_users(count: int, stations: Stations, rng: np.random.Generator) -> Users:
    """Users with habits of their own, in the shares of `BEHAVIOURS`."""
    main = _main_behaviours(count)
    weights = np.array([vehicle.weight for vehicle in VEHICLES])
    vehicle = rng.choice(len(VEHICLES), size=count, p=weights / weights.sum())
    shared = [number for number, one in enumerate(BEHAVIOURS) if one.name == "shared_car"]
    vehicle = np.where(np.isin(main, shared), SHARED_VEHICLE, vehicle)
    return Users(
        main=main,
        vehicle=vehicle,
        age_years=np.round(np.minimum(10, rng.exponential(2.5, count)), 1),
        daily_km=np.exp(0.25 * rng.standard_normal(count)),
        wanted_share=rng.random(count),
        is_reporting=rng.random(count) < REPORTING_SHARE,
        usual_hour=np.column_stack([draw_hours(one, count, rng) for one in BEHAVIOURS]),
        leave_shift_h=0.6 * rng.standard_normal(count),
        usual_station=np.column_stack(
            [rng.choice(stations.at(one.site), size=count) for one in BEHAVIOURS]
        ),
        loyalty=np.array([LOYALTY[one.site] for one in BEHAVIOURS]),
    )


def draw_hours(behaviour: Behaviour, count: int, rng: np.random.Generator) -> np.ndarray:
    """Hours at which sessions of a behaviour start, drawn from its peaks."""
    weights = np.array([peak.weight for peak in behaviour.peaks])
    chosen = rng.choice(len(weights), size=count, p=weights / weights.sum())
    centre = np.array([peak.hour for peak in behaviour.peaks])[chosen]
    spread = np.array([peak.spread_h for peak in behaviour.peaks])[chosen]
    return np.asarray(centre + spread * rng.standard_normal(count))


def _main_behaviours(count: int) -> np.ndarray:
    edges = np.cumsum([behaviour.user_share for behaviour in BEHAVIOURS])
    position = (np.arange(count) + 0.5) / count * edges[-1]
    return np.asarray(np.searchsorted(edges, position))
