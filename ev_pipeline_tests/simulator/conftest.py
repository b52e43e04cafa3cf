"""The shipped sample as frames, and one that is generated anew."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("generated")
    command = [sys.executable, "-m", "simulator", "generate", "--out", str(out)]
    subprocess.run(command, check=True, cwd=DATA.parent)
    return out


@pytest.fixture(scope="session")
def truth() -> pl.DataFrame:
    return pl.read_csv(DATA / "behaviours.csv")


@pytest.fixture(scope="session")
def good_sessions(truth: pl.DataFrame) -> pl.DataFrame:
    """Sessions of the sample without a fault, with times in UTC, stay and station."""
    times = pl.col("started_at", "ended_at").str.to_datetime(time_zone="UTC")
    numbers = pl.col("energy_kwh", "charging_duration_h", "cost", "max_power_kw").cast(pl.Float64)
    stay_h = (pl.col("ended_at") - pl.col("started_at")).dt.total_seconds() / 3600
    stations = pl.read_csv(DATA / "stations.csv")
    return (
        pl.read_csv(DATA / "sessions.csv", infer_schema_length=None)
        .join(truth, on="session_id")
        .filter(pl.col("fault").is_null())
        .with_columns(hour=pl.col("started_at").str.slice(11, 2).cast(pl.Int64))
        .with_columns(times, numbers)
        .with_columns(stay_h=stay_h, weekday=pl.col("started_at").dt.weekday())
        .join(stations.select("station_id", "power_kw", "connectors"), on="station_id")
    )
