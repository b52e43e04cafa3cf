"""Measures: what people read of sums, the same in every panel, report and file.

What lives here: means, totals and shares of sums, as numbers that JSON has. What does not: the
sums themselves (`storage.panel_sums`).

A mean is a sum over a count, and a price a sum over a sum; what has nothing to be divided by is
null, never 0.
"""

import sys
from decimal import Decimal
from typing import Any, Final

from ev_pipeline.storage.panel_sums import Sums

_SECONDS_PER_HOUR: Final = 3600

_LARGEST: Final = sys.float_info.max
"""JSON has no infinity, and a charger may send any finite number: sums stop here."""


def number(value: Decimal | float) -> float:
    """The nearest number that JSON readers hold."""
    return min(max(float(value), -_LARGEST), _LARGEST)


def ratio(part: Decimal | int, whole: Decimal | int) -> float | None:
    """Part over whole; null where the whole is nothing."""
    return number(Decimal(part) / Decimal(whole)) if whole else None


def hours(seconds: Decimal) -> float:
    """Seconds as hours."""
    return number(seconds / _SECONDS_PER_HOUR)


def mean_hours(seconds: Decimal, count: int) -> float | None:
    """Hours each of so many; null where there are none."""
    return ratio(seconds / _SECONDS_PER_HOUR, count)


def use(sums: Sums) -> dict[str, Any]:
    """How much, how long and for how much: the measures of every report."""
    return {
        "n_sessions": sums.n_sessions,
        "total_duration_h": hours(sums.duration_s),
        "mean_duration_h": mean_hours(sums.duration_s, sums.n_sessions),
        "total_energy_kwh": number(sums.energy_kwh),
        "mean_energy_kwh": ratio(sums.energy_kwh, sums.n_sessions),
        **cost(sums),
    }


def cost(sums: Sums) -> dict[str, Any]:
    """What was paid in the reporting currency, and how many sessions that leaves out.

    Where no session has a price in it, the total is null: 0 would say that they were free.
    """
    return {
        "total_cost": number(sums.cost) if sums.n_priced else None,
        "n_cost_null": sums.n_cost_null,
        "n_other_currency": sums.n_other_currency,
    }


def cost_per_kwh(sums: Sums) -> float | None:
    """The price of energy: sum over sum, over sessions with a price in the reporting currency."""
    return ratio(sums.cost, sums.priced_energy_kwh)


def after_charging(sums: Sums) -> dict[str, Any]:
    """How long vehicles charge and stay afterwards, with the share of sessions that tell."""
    return {
        "mean_charging_h": mean_hours(sums.charging_s, sums.n_charging),
        "charging_share": ratio(sums.n_charging, sums.n_sessions),
        "mean_idle_h": mean_hours(sums.idle_s, sums.n_idle),
        "idle_share": ratio(sums.n_idle, sums.n_sessions),
    }
