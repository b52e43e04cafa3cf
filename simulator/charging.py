"""How a battery fills: power, time and state of charge, as formulas.

What lives here: physics of one session, on arrays. What does not: who charges where (`visits`).
"""

from typing import Final

import numpy as np

FLOOR_SHARE: Final = 0.15
"""Power into a full battery, as a share of the power before the taper."""


def seconds_to_reach(
    soc_from: np.ndarray,
    soc_to: np.ndarray,
    *,
    grid_kwh: np.ndarray,
    power_kw: np.ndarray,
    taper_from: np.ndarray,
) -> np.ndarray:
    """How long it takes to charge from one state of charge to another, s.

    Power is constant up to `taper_from`, then falls linearly with the state of charge, so that
    time grows with a logarithm there.

    Args:
        soc_from: state of charge at the start, 0 to 1.
        soc_to: state of charge to reach, 0 to 1.
        grid_kwh: energy at the meter for a whole battery, kWh.
        power_kw: power before the taper, kW.
        taper_from: state of charge at which power begins to fall, 0 to 1.

    Returns:
        Seconds; 0 where `soc_to` is not above `soc_from`.
    """
    fall = 1 - FLOOR_SHARE
    flat = np.maximum(0, np.minimum(soc_to, taper_from) - soc_from)
    before = _taper_position(soc_from, taper_from)
    after = np.maximum(before, _taper_position(soc_to, taper_from))
    slow = (1 - taper_from) / fall * np.log((1 - fall * before) / (1 - fall * after))
    return np.asarray((flat + slow) * grid_kwh / power_kw * 3600)


def soc_after(
    soc_from: np.ndarray,
    charging_s: np.ndarray,
    *,
    grid_kwh: np.ndarray,
    power_kw: np.ndarray,
    taper_from: np.ndarray,
) -> np.ndarray:
    """The state of charge after some time, 0 to 1: the inverse of `seconds_to_reach`."""
    fall = 1 - FLOOR_SHARE
    share = charging_s / 3600 * power_kw / grid_kwh
    flat = np.maximum(0, taper_from - soc_from)
    in_taper = np.maximum(0, share - flat)
    before = _taper_position(soc_from, taper_from)
    left = (1 - fall * before) * np.exp(-in_taper * fall / (1 - taper_from))
    tapered = taper_from + (1 - taper_from) * (1 - left) / fall
    return np.asarray(np.where(share <= flat, soc_from + share, np.minimum(1, tapered)))


def power_at_kw(soc: np.ndarray, power_kw: np.ndarray, taper_from: np.ndarray) -> np.ndarray:
    """The power at a state of charge, kW."""
    return np.asarray(power_kw * (1 - (1 - FLOOR_SHARE) * _taper_position(soc, taper_from)))


def _taper_position(soc: np.ndarray, taper_from: np.ndarray) -> np.ndarray:
    return np.asarray((np.maximum(soc, taper_from) - taper_from) / (1 - taper_from))
