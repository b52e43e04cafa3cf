"""The sample's files, byte for byte: columns, order of rows and how each number is written.

What lives here: formats. What does not: what the numbers are (`generate`).
"""

from pathlib import Path
from typing import Final

import polars as pl

from ev_pipeline.domain.session import SESSION_FIELDS, STATION_FIELDS
from simulator.seasons import ZONE

SESSION_COLUMNS: Final = tuple(
    "session_id" if field.name == "source_session_id" else field.name for field in SESSION_FIELDS
)
"""The wire's names."""

STATION_COLUMNS: Final = tuple(field.name for field in STATION_FIELDS)

TIMES: Final = {"started_at": "start_s", "ended_at": "end_s", "updated_at": "updated_s"}
"""Columns that hold times, and the seconds of UTC that they are made of."""

DECIMALS: Final = {
    "charging_duration_h": 4,
    "energy_kwh": 3,
    "max_power_kw": 2,
    "cost": 2,
    "battery_capacity_kwh": 1,
    "vehicle_age_years": 1,
    "distance_driven_km": 1,
    "soc_start_percent": 1,
    "soc_end_percent": 1,
    "temperature_c": 1,
    "latitude": 5,
    "longitude": 5,
    "power_kw": 1,
}
"""Digits after the point: written out from integers, so that no platform writes them otherwise."""


def write_sessions(sessions: pl.DataFrame, path: Path) -> None:
    """Write sessions in the order in which they came in."""
    in_order = sessions.sort("updated_s", "session_id", "energy_kwh", nulls_last=True)
    times = [times_of(column).alias(name) for name, column in TIMES.items()]
    _write(in_order.with_columns(times).select(SESSION_COLUMNS), path)


def write_stations(registry: pl.DataFrame, path: Path) -> None:
    """Write the registry of stations."""
    _write(registry.select(STATION_COLUMNS), path)


def write_truth(sessions: pl.DataFrame, path: Path) -> None:
    """Write the true behaviour, and the fault if any, of each session id."""
    truth = sessions.select("session_id", "behaviour", "fault").unique("session_id")
    _write(truth.sort("session_id"), path)


def _write(frame: pl.DataFrame, path: Path) -> None:
    numbers = [_number(name, DECIMALS[name]) for name in frame.columns if name in DECIMALS]
    frame.with_columns(numbers).write_csv(path, line_terminator="\n")


def times_of(column: str) -> pl.Expr:
    """The column's seconds of UTC, written with the offset of the stations' clock."""
    moment = pl.from_epoch(pl.col(column), "s").dt.replace_time_zone("UTC")
    return moment.dt.convert_time_zone(ZONE).dt.to_string("%Y-%m-%dT%H:%M:%S%:z")


def _number(name: str, decimals: int) -> pl.Expr:
    value = pl.col(name)
    scaled = (value.abs() * 10**decimals).round().cast(pl.Int64, strict=False)
    sign = pl.when((value < 0) & (scaled > 0)).then(pl.lit("-")).otherwise(pl.lit(""))
    whole = (scaled // 10**decimals).cast(pl.String)
    part = (scaled % 10**decimals).cast(pl.String).str.zfill(decimals)
    written = pl.concat_str(sign, whole, pl.lit("."), part)
    return pl.when(value.is_nan()).then(pl.lit("NaN")).otherwise(written).alias(name)
