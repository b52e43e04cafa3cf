"""One generated sample: from a seed to four files.

What lives here: the order of the steps and the sizes. What does not: any step itself.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from simulator.faults import damage
from simulator.files import write_sessions, write_stations, write_truth
from simulator.seasons import YEAR_DAYS, daily_temperatures_c, to_utc_s
from simulator.sessions import make_sessions
from simulator.stations import Stations, make_stations
from simulator.users import make_users
from simulator.visits import plan_visits

SEED: Final = 20_250_101
"""Seed of the sample that ships."""

SPARE: Final = 1.12
"""Planned visits over wanted sessions: some find no connector, the rest are left out at random."""

SESSIONS_PER_USER: Final = 100
SESSIONS_PER_STATION: Final = 200
"""Sizes of a larger sample: as many a user and a station as in the one that ships."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a sample is.

    Args:
        sessions: sessions of the year, not counting the rows that faults add.
        online_sessions: sessions after the year, for replay.
        users: users.
        stations: stations.
    """

    sessions: int
    online_sessions: int
    users: int
    stations: int


@dataclass(frozen=True, slots=True)
class Sample:
    """What was generated: rows of each file, with the columns that the files are made of."""

    sessions: pl.DataFrame
    online_sessions: pl.DataFrame
    stations: Stations


def make_sample(size: Size, seed: int) -> Sample:
    """A sample of about the given size: the same from the same seed.

    The seed makes the same numbers with the same version of numpy; between platforms they may
    differ in the last of 53 bits, which no written digit shows.
    """
    draws = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(6)]
    per_day = size.sessions / YEAR_DAYS
    online_days = int(np.ceil(SPARE * size.online_sessions / per_day)) + 1
    days = YEAR_DAYS + online_days
    stations = make_stations(size.stations, draws[0])
    users = make_users(size.users, stations, draws[1])
    daily_c = daily_temperatures_c(days, draws[2])
    visits = plan_visits(users, stations, days=days, per_day=SPARE * per_day, rng=draws[3])
    every = make_sessions(visits, users, stations, daily_c, draws[4])
    end_of_year_s = int(to_utc_s(np.array([YEAR_DAYS * 86_400]))[0])
    is_in_year = pl.col("start_s") < end_of_year_s
    of_year = _thinned(every.filter(is_in_year), size.sessions, draws[5])
    online = every.filter(~is_in_year).head(size.online_sessions)
    named = _named(pl.concat([of_year, online]))
    power_kw = stations.registry.select("station_id", "power_kw")
    return Sample(
        sessions=damage(named.head(of_year.height), power_kw, draws[5]),
        online_sessions=named.tail(online.height).with_columns(fault=pl.lit(None, dtype=pl.String)),
        stations=stations,
    )


def write_sample(sample: Sample, out: Path) -> None:
    """Write the sample's four files into a folder, which is made if it is missing."""
    out.mkdir(parents=True, exist_ok=True)
    write_stations(sample.stations.registry, out / "stations.csv")
    write_sessions(sample.sessions, out / "sessions.csv")
    write_sessions(sample.online_sessions, out / "online_sessions.csv")
    write_truth(pl.concat([sample.sessions, sample.online_sessions]), out / "behaviours.csv")


def _thinned(sessions: pl.DataFrame, most: int, rng: np.random.Generator) -> pl.DataFrame:
    kept = rng.permutation(sessions.height)[:most]
    return sessions[np.sort(kept)]


def _named(sessions: pl.DataFrame) -> pl.DataFrame:
    digits = max(6, len(str(sessions.height)))
    number = pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(digits)
    return sessions.with_columns(session_id=pl.concat_str(pl.lit("S-"), number))
