"""Quantities as people say them.

What lives here: amounts, stays and times of day. What does not: sentences (`reasons`).
"""

from typing import Final

_MINUTES_PER_HOUR: Final = 60
_LAST_MINUTE: Final = 24 * _MINUTES_PER_HOUR - 1
_MINUTE_TOLERANCE: Final = 1e-9
"""In min: 12:50 as an hour is a hair under 770 minutes. Times are kept to the microsecond, 2e-8."""

_LEAST_AMOUNT: Final = 0.01
"""In kWh or kW: two decimals of less would say that there was none."""


def amount(quantity: float, unit: str) -> str:
    """Energy or power, with a second decimal only where the first would say little."""
    if quantity < _LEAST_AMOUNT:
        return f"less than {_LEAST_AMOUNT} {unit}"
    return f"{quantity:.1f} {unit}" if quantity >= 1 else f"{quantity:.2f} {unit}"


def stay(duration_h: float) -> str:
    """A duration as people say it: minutes, then hours."""
    if duration_h * _MINUTES_PER_HOUR < 1:
        return "less than a minute"
    minutes = round(duration_h * _MINUTES_PER_HOUR)
    return f"{minutes} min" if minutes < _MINUTES_PER_HOUR else f"{duration_h:.1f} h"


def clock(hour: float) -> str:
    """An hour of day as hours and minutes."""
    minutes = min(int(hour * _MINUTES_PER_HOUR + _MINUTE_TOLERANCE), _LAST_MINUTE)
    return f"{minutes // _MINUTES_PER_HOUR:02d}:{minutes % _MINUTES_PER_HOUR:02d}"
