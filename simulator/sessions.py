"""From planned visits to whole sessions: seats, energy, state of charge, price.

What lives here: what a fault-free charger would report. What does not: faults (`faults`).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from simulator.behaviours import BEHAVIOURS, Site
from simulator.charging import power_at_kw, seconds_to_reach, soc_after
from simulator.connectors import TAKEN, seat
from simulator.seasons import temperatures_c, to_utc_s
from simulator.stations import Stations
from simulator.users import VEHICLES, Users
from simulator.visits import Visits

FIRST_GAP_DAYS: Final = 3.0
"""Assumed time since the charge before a user's first, days."""

LOWEST_SOC: Final = 0.10
HIGHEST_SOC: Final = 0.93
"""Nobody arrives emptier or fuller than this."""

AC_EFFICIENCY: Final = 0.92
DC_EFFICIENCY: Final = 0.95
"""Share of the metered energy that reaches the battery."""

AC_TAPER_FROM: Final = 0.93
DC_TAPER_FROM: Final = 0.70
"""State of charge at which power begins to fall."""

COLD_LOSS_PER_C: Final = 0.012
"""How much slower a cold battery takes direct current, as a share a degree below 15 °C."""

LATE_SHARE: Final = 0.02
"""Share of sessions that a charger reports hours later, because it was offline."""

RFID_SHARE: Final = 0.6
"""Share of known users' sessions that start with a card, not an app."""

SHARING_SHARE: Final = 0.3
LOWEST_SHARE_OF_POWER: Final = 0.5
"""How many sessions with alternating current get less because the site is busy, and how little."""

COLD_NEED_PER_C: Final = 0.013
HEAT_NEED_PER_C: Final = 0.010
"""Extra consumption a degree below 18 °C for heating, and above 26 °C for cooling."""


@dataclass(frozen=True, slots=True)
class _Charge:
    stay_s: np.ndarray
    charging_s: np.ndarray
    energy_kwh: np.ndarray
    max_power_kw: np.ndarray
    distance_km: np.ndarray
    soc_start: np.ndarray
    soc_end: np.ndarray


def make_sessions(
    visits: Visits,
    users: Users,
    stations: Stations,
    daily_c: np.ndarray,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Every visit that found a connector, as a session with all its fields, in order of start."""
    temperature_c = temperatures_c(daily_c, visits.day, visits.hour)
    charge = _charge(visits, users, stations, temperature_c, rng)
    seats = seat(visits.user, visits.station, visits.start_s, charge.stay_s, stations.connectors)
    frame = _frame(visits, users, stations, charge, rng).with_columns(
        connector=pl.Series(seats), temperature_c=pl.Series(temperature_c)
    )
    return frame.filter(pl.col("connector") != TAKEN).with_columns(
        connector_id=pl.col("connector").cast(pl.String)
    )


def _charge(
    visits: Visits,
    users: Users,
    stations: Stations,
    temperature_c: np.ndarray,
    rng: np.random.Generator,
) -> _Charge:
    count = len(visits.user)
    vehicle = users.vehicle[visits.user]
    capacity_kwh = np.array([one.capacity_kwh for one in VEHICLES])[vehicle]
    kwh_per_km = np.array([one.kwh_per_km for one in VEHICLES])[vehicle]
    is_dc = stations.site[visits.station] == Site.HUB.value
    wanted = _wanted_soc(visits, users, rng)
    need = 1 + COLD_NEED_PER_C * np.maximum(0, 18 - temperature_c)
    need = need + HEAT_NEED_PER_C * np.maximum(0, temperature_c - 26)
    full_km = capacity_kwh / (kwh_per_km * need)
    soc_start = np.clip(wanted - _driven_km(visits, users, rng) / full_km, LOWEST_SOC, HIGHEST_SOC)
    soc_start = np.minimum(soc_start, wanted)

    power_kw = _power_kw(visits, vehicle, stations, is_dc, temperature_c, rng)
    battery = {
        "grid_kwh": capacity_kwh / np.where(is_dc, DC_EFFICIENCY, AC_EFFICIENCY),
        "power_kw": power_kw,
        "taper_from": np.where(is_dc, DC_TAPER_FROM, AC_TAPER_FROM),
    }
    wanted_s = seconds_to_reach(soc_start, np.maximum(wanted, soc_start), **battery)
    leaves = np.array([one.leaves_when_full for one in BEHAVIOURS])[visits.behaviour]
    lingers_s = rng.integers(40, 600, size=count)
    stay_s = np.where(leaves, np.minimum(visits.stay_s, wanted_s + lingers_s), visits.stay_s)
    stay_s = np.floor(np.maximum(stay_s, 120)).astype(np.int64)
    handling_s = rng.integers(8, 40, size=count)
    charging_s = np.floor(np.clip(wanted_s, 1, stay_s - handling_s)).astype(np.int64)
    soc_end = soc_after(soc_start, charging_s, **battery)
    return _Charge(
        stay_s=stay_s,
        charging_s=charging_s,
        energy_kwh=np.round((soc_end - soc_start) * battery["grid_kwh"], 3),
        max_power_kw=np.round(power_at_kw(soc_start, power_kw, battery["taper_from"]) + 0.005, 2),
        distance_km=np.round((wanted - soc_start) * full_km, 1),
        soc_start=soc_start,
        soc_end=soc_end,
    )


def _wanted_soc(visits: Visits, users: Users, rng: np.random.Generator) -> np.ndarray:
    low = np.array([one.wanted_soc[0] for one in BEHAVIOURS])[visits.behaviour]
    high = np.array([one.wanted_soc[1] for one in BEHAVIOURS])[visits.behaviour]
    wanted = low + (high - low) * users.wanted_share[visits.user]
    return np.asarray(np.clip(wanted + 0.02 * rng.standard_normal(len(wanted)), 0.5, 1.0))


def _driven_km(visits: Visits, users: Users, rng: np.random.Generator) -> np.ndarray:
    order = np.lexsort((visits.start_s, visits.user))
    gap_days = np.empty(len(order))
    gap_days[order] = np.concatenate([[0.0], np.diff(visits.start_s[order]) / 86_400])
    is_first = np.ones(len(order), dtype=bool)
    is_first[order[1:]] = visits.user[order[1:]] != visits.user[order[:-1]]
    gap_days = np.where(is_first, FIRST_GAP_DAYS, np.maximum(0.08, gap_days))
    usual_km = np.array([one.daily_km for one in BEHAVIOURS])[users.main[visits.user]]
    luck = np.exp(0.4 * rng.standard_normal(len(order)))
    return np.asarray(usual_km * users.daily_km[visits.user] * gap_days * luck)


def _power_kw(
    visits: Visits,
    vehicle: np.ndarray,
    stations: Stations,
    is_dc: np.ndarray,
    temperature_c: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    ac_kw = np.array([one.ac_kw for one in VEHICLES])[vehicle]
    dc_kw = np.array([one.dc_kw for one in VEHICLES])[vehicle]
    cold = 1 - COLD_LOSS_PER_C * np.maximum(0, 15 - temperature_c)
    luck = rng.random(len(vehicle))
    of_vehicle = np.where(is_dc, dc_kw * cold * (0.75 + 0.25 * luck), ac_kw * (0.94 + 0.06 * luck))
    of_station = stations.power_kw[visits.station] * (0.96 + 0.03 * luck)
    shares = ~is_dc & (rng.random(len(vehicle)) < SHARING_SHARE)
    left = LOWEST_SHARE_OF_POWER + (1 - LOWEST_SHARE_OF_POWER) * rng.random(len(vehicle))
    of_station = of_station * np.where(shares, left, 1)
    return np.asarray(np.minimum(of_vehicle, of_station))


def _frame(
    visits: Visits,
    users: Users,
    stations: Stations,
    charge: _Charge,
    rng: np.random.Generator,
) -> pl.DataFrame:
    count = len(visits.user)
    start_s = to_utc_s(visits.start_s)
    end_s = start_s + charge.stay_s
    is_late = rng.random(count) < LATE_SHARE
    delay_s = np.where(is_late, rng.integers(600, 43_200, count), rng.integers(1, 12, count))
    ad_hoc = np.array([one.ad_hoc_share for one in BEHAVIOURS])[visits.behaviour]
    is_known = rng.random(count) >= ad_hoc
    is_shared = np.array([one.name == "shared_car" for one in BEHAVIOURS])[visits.behaviour]
    is_reporting = is_known & users.is_reporting[visits.user]
    energy_wh = np.round(charge.energy_kwh * 1000).astype(np.int64)
    cost_cent = (stations.price_cent_per_kwh[visits.station] * energy_wh + 500) // 1000
    vehicle = users.vehicle[visits.user]
    frame = pl.DataFrame(
        {
            "behaviour": np.array([one.name for one in BEHAVIOURS])[visits.behaviour],
            "station_id": stations.registry["station_id"].to_numpy()[visits.station],
            "user_id": np.array(users.ids)[visits.user],
            "start_s": start_s,
            "end_s": end_s,
            "updated_s": end_s + delay_s,
            "charging_duration_h": charge.charging_s / 3600,
            "energy_kwh": charge.energy_kwh,
            "max_power_kw": charge.max_power_kw,
            "cost": cost_cent / 100,
            "currency": np.full(count, "EUR"),
            "stop_reason": np.array(["EVDisconnected", "Local", "Remote"])[
                rng.choice(3, size=count, p=[0.78, 0.16, 0.06])
            ],
            "payment_method": np.where(rng.random(count) < RFID_SHARE, "rfid", "app"),
            "vehicle_model": np.array([one.model for one in VEHICLES])[vehicle],
            "battery_capacity_kwh": np.array([one.capacity_kwh for one in VEHICLES])[vehicle],
            "vehicle_age_years": users.age_years[visits.user] + visits.day // 37 / 10,
            "distance_driven_km": charge.distance_km,
            "soc_start_percent": np.round(charge.soc_start * 100, 1),
            "soc_end_percent": np.round(charge.soc_end * 100, 1),
        }
    )
    return _blank(frame, pl.Series(is_known), pl.Series(is_reporting), pl.Series(is_shared))


def _blank(
    frame: pl.DataFrame, is_known: pl.Series, is_reporting: pl.Series, is_shared: pl.Series
) -> pl.DataFrame:
    of_user = ["user_id", "vehicle_model", "battery_capacity_kwh", "vehicle_age_years"]
    of_car = ["distance_driven_km", "soc_start_percent", "soc_end_percent"]
    return frame.with_columns(
        pl.when(is_known).then(pl.col(of_user)).name.keep(),
        pl.when(is_reporting).then(pl.col(of_car)).name.keep(),
        pl.when(~is_shared).then(pl.col("cost", "currency")).name.keep(),
        payment_method=pl.when(~is_known)
        .then(pl.lit("card"))
        .when(is_shared)
        .then(pl.lit("contract"))
        .otherwise("payment_method"),
        error_code=pl.lit(None, dtype=pl.String),
    )
