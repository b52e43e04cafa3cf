"""What goes wrong between a charger and an export, at the rates that real exports show.

What lives here: faults, their rates and what each does to a session. What does not: how they are
found again (that is the pipeline's business, which never sees this list).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl

LOST_CLOCK_S: Final = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())
"""Where a charger's clock starts when it has lost its battery."""

TOLD_SHARE: Final = 0.5
"""Share of failed attempts for which the charger gives an error code."""

LEAST_FOR_WRONG_UNIT_KWH: Final = 1.5
"""A thousand times less than this would be a possible energy, and so no visible fault."""

_start, _end = pl.col("start_s"), pl.col("end_s")
_stay: Final = _end - _start
_luck: Final = pl.col("luck")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Args:
        name: the name in the ground truth.
        rate: share of the sessions that suffer it, of those that can.
        description: what a reader of the file sees.
        values: what it makes of the session's columns.
        is_extra: whether the damaged row comes beside the good one, not in its place.
        applies: which sessions can suffer it.
    """

    name: str
    rate: float
    description: str
    values: dict[str, pl.Expr]
    is_extra: bool = False
    applies: Callable[[], pl.Expr] = lambda: pl.lit(value=True)


def _null(*columns: str) -> dict[str, pl.Expr]:
    return {column: pl.lit(None) for column in columns}


_UNFINISHED: Final = {
    **_null("end_s", "charging_duration_h", "energy_kwh", "max_power_kw", "cost", "currency"),
    **_null("soc_end_percent", "stop_reason"),
    "updated_s": _start + 5,
}

_GAP_S: Final = pl.col("since_previous_s")

FAULTS: Final = (
    Fault("unfinished", 0.005, "no end and no energy: it was never closed", _UNFINISHED),
    Fault(
        "finished_later",
        0.002,
        "an unfinished row, and later the finished one",
        _UNFINISHED,
        is_extra=True,
    ),
    Fault(
        "no_energy",
        0.02,
        "plugged in for minutes, 0 kWh",
        {
            "end_s": _start + 30 + (_luck * 900).floor().cast(pl.Int64),
            "updated_s": _start + 940,
            "charging_duration_h": pl.lit(0.0),
            "energy_kwh": pl.lit(0.0),
            "max_power_kw": pl.lit(0.0),
            "cost": pl.col("cost") * 0,
            "soc_end_percent": pl.col("soc_start_percent"),
            "stop_reason": pl.lit("Other"),
            "error_code": pl.when(_luck < TOLD_SHARE).then(pl.lit("ConnectorLockFailure")),
        },
    ),
    Fault(
        "aborted",
        0.004,
        "over in under a minute, with a trace of energy",
        {
            "end_s": _start + 25 + (_luck * 30).floor().cast(pl.Int64),
            "updated_s": _start + 60,
            "charging_duration_h": pl.lit(15 / 3600),
            "energy_kwh": (pl.col("max_power_kw") * 15 / 3600).round(3),
            "cost": pl.col("cost") * 0,
            "soc_end_percent": pl.col("soc_start_percent"),
        },
    ),
    Fault(
        "no_duration",
        0.004,
        "ends in the second in which it starts",
        {"end_s": _start, "charging_duration_h": pl.lit(0.0)},
    ),
    Fault(
        "ends_before_start",
        0.001,
        "the clock was set back during the session",
        {"end_s": _start - 3600 + (_luck * 3000).floor().cast(pl.Int64)},
    ),
    Fault(
        "lost_clock",
        0.0006,
        "both times in the year 2000",
        {"start_s": pl.lit(LOST_CLOCK_S), "end_s": LOST_CLOCK_S + _stay},
    ),
    Fault(
        "negative_energy",
        0.0006,
        "the meter counted backwards",
        {"energy_kwh": -pl.col("energy_kwh")},
        applies=lambda: pl.col("energy_kwh") > 0,
    ),
    Fault("not_a_number", 0.0006, "energy reads NaN", {"energy_kwh": pl.lit(float("nan"))}),
    Fault("missing_station", 0.002, "the station's id is empty", _null("station_id")),
    Fault(
        "wrong_unit",
        0.0008,
        "energy in Wh where kWh is meant",
        {"energy_kwh": pl.col("energy_kwh") * 1000},
        applies=lambda: pl.col("energy_kwh") > LEAST_FOR_WRONG_UNIT_KWH,
    ),
    Fault(
        "wrong_power",
        0.003,
        "three times the energy and power that the station can give",
        {
            "energy_kwh": (pl.col("energy_kwh") * 3).round(3),
            "max_power_kw": (pl.col("max_power_kw") * 3).round(2),
        },
        applies=lambda: pl.col("max_power_kw") > 0.7 * pl.col("power_kw"),
    ),
    Fault(
        "charging_longer_than_stay",
        0.003,
        "energy is said to have flowed for longer than the car was there",
        {"charging_duration_h": _stay / 3600 * (1.2 + _luck)},
    ),
    Fault(
        "overlap",
        0.015,
        "starts before the vehicle before it has left its connector",
        {"start_s": _start - _GAP_S - 300 - (_luck * 900).floor().cast(pl.Int64)},
        applies=lambda: _GAP_S < 6 * 3600,
    ),
    Fault(
        "falling_soc",
        0.001,
        "states of charge at start and end are swapped",
        {
            "soc_start_percent": pl.col("soc_end_percent"),
            "soc_end_percent": pl.col("soc_start_percent"),
        },
        applies=lambda: pl.col("soc_end_percent") > pl.col("soc_start_percent"),
    ),
    Fault("repeated", 0.005, "the same row twice", {}, is_extra=True),
    Fault(
        "corrected",
        0.004,
        "a first row with less energy, and later a newer one",
        {
            "energy_kwh": (pl.col("energy_kwh") * 0.9).round(3),
            "cost": (pl.col("cost") * 0.9).round(2),
        },
        is_extra=True,
    ),
    Fault(
        "contradicted",
        0.0006,
        "the same id twice with other energy, neither newer",
        {"energy_kwh": (pl.col("energy_kwh") * 0.8).round(3)},
        is_extra=True,
    ),
)
"""Rates follow open data of several cities: up to 1 % unfinished, 1 % without duration, 2 to 10 %
without energy, one in a thousand or fewer negative."""

CORRECTION_DELAY_S: Final = 86_400
"""Corrections come a day after the row that they correct."""


def damage(
    sessions: pl.DataFrame, power_kw: pl.DataFrame, rng: np.random.Generator
) -> pl.DataFrame:
    """The sessions as an export would have them, with the name of each row's fault.

    Args:
        sessions: fault-free sessions in order of start.
        power_kw: `station_id` and the `power_kw` of each station.
        rng: where the draws come from.

    Returns:
        Rows with a `fault` column, null for sessions without one; faults that add a row carry
        their name on both rows.
    """
    drawn = _draw(sessions, power_kw, rng)
    in_place = drawn.filter(pl.col("fault").is_null())
    parts = [in_place]
    for fault in FAULTS:
        hit = drawn.filter(pl.col("fault") == fault.name)
        damaged = hit.with_columns(**fault.values).cast(drawn.schema, strict=False)
        parts.append(damaged)
        if fault.is_extra:
            delay_s = CORRECTION_DELAY_S if fault.name == "corrected" else 0
            parts.append(hit.with_columns(pl.col("updated_s") + delay_s))
    return pl.concat(parts).select(*sessions.columns, "fault")


def _draw(sessions: pl.DataFrame, power_kw: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    edges = np.cumsum([fault.rate for fault in FAULTS])
    chosen = np.searchsorted(edges, rng.random(sessions.height), side="right")
    names = np.array([*(fault.name for fault in FAULTS), ""])[chosen]
    previous_end_s = _end.shift(1).over("station_id", "connector_id", order_by="start_s")
    frame = sessions.join(
        power_kw, on="station_id", how="left", maintain_order="left"
    ).with_columns(
        luck=pl.Series(rng.random(sessions.height)),
        since_previous_s=_start - previous_end_s,
        fault=pl.Series(names),
    )
    is_hit = pl.lit(value=False)
    for fault in FAULTS:
        is_hit |= (pl.col("fault") == fault.name) & fault.applies()
    return frame.with_columns(fault=pl.when(is_hit.fill_null(value=False)).then("fault"))
