"""Real sessions as features, read with pandas alone: models are tried without the project's reader.

What lives here: the two sets whose files share one layout, cut to what is stored of them.
What does not: the rules of validation; warnings are only those that bound a fit.
"""

import os
from pathlib import Path
from typing import Final

import pandas as pd
import polars as pl

from ev_pipeline_tests.domain.models.made_sessions import features_of

_PROJECT: Final = Path(__file__).parents[3]
DATA_PATH: Final = Path(os.environ.get("EV_TEST_DATA", _PROJECT.parent / "shared" / "data"))
"""Read at import: fixtures clear the environment of every test."""

SETS: Final = ("dundee", "perth_kinross")


def has_data() -> bool:
    """Whether the real sets are at hand."""
    return all((DATA_PATH / name).is_dir() for name in SETS)


def real_features(name: str) -> pl.DataFrame:
    """Features of the stored sessions of a set, times of day as the files have them."""
    files = sorted(
        path for path in (DATA_PATH / name).glob("*.csv") if "locations" not in path.name
    )
    rows = pd.concat([pd.read_csv(path, dtype=str) for path in files], ignore_index=True)
    start = _times(rows, "Start")
    end = _times(rows, "End")
    duration_h = (end - start).dt.total_seconds() / 3600
    energy_kwh = pd.to_numeric(rows["Total kWh"], errors="coerce")
    is_stored = (
        (duration_h > 0)
        & energy_kwh.between(0, 1000, inclusive="right")
        & (energy_kwh / duration_h <= 1000)
        & rows["CP ID"].notna()
        & (start.dt.year >= 2010)
    )
    is_warned = (
        (duration_h < 1 / 60)
        | (duration_h > 48)
        | (energy_kwh < 0.5)
        | (energy_kwh > 250)
        | (energy_kwh / duration_h > 400)
    )
    kept = pd.DataFrame(
        {
            "scope": name,
            "station_id": rows["CP ID"],
            "quality": is_warned.map({True: "warning", False: "valid"}),
            "started_us": start.astype("datetime64[us]").astype("int64"),
            "ended_us": end.astype("datetime64[us]").astype("int64"),
            "energy_kwh": energy_kwh,
        }
    )[is_stored]
    sessions = pl.DataFrame(
        {column: kept[column].tolist() for column in kept.columns}
    ).with_columns(
        pl.int_range(pl.len()).cast(pl.String).str.zfill(32).alias("session_id"),
        pl.lit(1, dtype=pl.Int32).alias("revision"),
        pl.lit(None, dtype=pl.String).alias("user_id"),
        pl.lit([], dtype=pl.List(pl.String)).alias("quality_codes"),
        pl.lit(None, dtype=pl.Float64).alias("charging_duration_h"),
        pl.col("started_us").alias("started_local_us"),
    )
    return features_of(sessions)


def _times(rows: pd.DataFrame, which: str) -> "pd.Series[pd.Timestamp]":
    text = rows[f"{which} Date"] + " " + rows[f"{which} Time"]
    return pd.to_datetime(text, format="%d/%m/%Y %H:%M", errors="coerce")
