"""The contract's rules, written once more by hand with pandas, and what a load must report.

Written from the contract alone: it shares no line with reader, rules or storage. Rows have the
columns `station`, `start`, `end` (epoch seconds), `kwh` and `charging_s`; NaN is unknown.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass
class Figures:
    """What one load must report."""

    received: int
    stored: int
    updated: int
    duplicate: int
    quarantined: int
    reasons: dict[str, int]
    warnings: dict[str, int]
    notes: dict[str, int]


def counted(sums: "pd.Series[Any]") -> dict[str, int]:
    """The codes that apply to any row, and to how many."""
    return {str(code): int(n) for code, n in sums.items() if n}


def reasons(rows: pd.DataFrame, resolution_s: float) -> pd.DataFrame:
    """Which reason applies to which row, in the order of the contract's table."""
    start, end, kwh = rows["start"], rows["end"], rows["kwh"]
    is_unfinished = end.isna() & kwh.isna()
    lacks_other = (rows["station"] == "") | start.isna()
    is_incomplete = lacks_other | end.isna() | kwh.isna()
    sound_kwh = kwh.where((kwh > 0) & (kwh <= 1000))
    return pd.DataFrame(
        {
            "missing_field": is_incomplete & (~is_unfinished | lacks_other),
            "not_finished": is_unfinished,
            "no_duration": end <= start,
            "no_energy": kwh <= 0,
            "in_future": end > pd.Timestamp.now("UTC").timestamp() + 300,
            "before_2010": start < pd.Timestamp("2010-01-01", tz="UTC").timestamp(),
            "energy_over_1000_kwh": kwh > 1000,
            "impossible_power": sound_kwh / _longest_h(rows, resolution_s) > 1000,
        }
    )


def warnings(stored: pd.DataFrame, resolution_s: float) -> pd.DataFrame:
    """Which warning that needs no other row applies to which stored row."""
    seconds, kwh = stored["end"] - stored["start"], stored["kwh"]
    return pd.DataFrame(
        {
            "under_1_minute": seconds < 60,
            "over_48_hours": seconds > 48 * 3600,
            "charging_over_24_hours": stored["charging_s"] > 24 * 3600,
            "under_0_5_kwh": kwh < 0.5,
            "over_250_kwh": kwh > 250,
            "charging_longer_than_session": stored["charging_s"] > seconds + resolution_s,
            "power_over_400_kw": kwh / _longest_h(stored, resolution_s) > 400,
        }
    )


def _longest_h(rows: pd.DataFrame, resolution_s: float) -> "pd.Series[float]":
    """The longest time that energy can have flowed: charging where known, else the session."""
    session_s = (rows["end"] - rows["start"]).where(rows["end"] > rows["start"])
    charging_s = rows["charging_s"]
    return (charging_s.where(charging_s > 0, session_s) + resolution_s) / 3600
