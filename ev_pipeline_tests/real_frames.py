"""Every real set as the reader and the rules leave it, without a database, for trying models.

What lives here: the sets, their sessions with all flags, and their features. What does not: what a
database adds (overlaps on a connector, corrections), and the files' place (`real_data`).
"""

from datetime import UTC, datetime
from functools import cache
from typing import Final

import polars as pl

from ev_pipeline.domain.features import describe_sessions
from ev_pipeline.domain.identity import session_ids
from ev_pipeline.domain.localtime import station_clock
from ev_pipeline.domain.validation import validate
from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import SessionMapping, load_mapping
from ev_pipeline.sources.reader import read_batches
from ev_pipeline_tests.real_data import real_data_folder

REAL_SETS: Final = ("asensio_workplace", "boulder", "cary", "dundee", "perth_kinross")

RECEIVED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)

NO_STATIONS: Final = pl.DataFrame(
    schema={"station_id": pl.String, "is_registered": pl.Boolean, "power_kw": pl.Float64}
)
"""The real registries state no power."""


def has_real_sets() -> bool:
    """Whether the real sets are at hand."""
    return all((real_data_folder() / name).is_dir() for name in REAL_SETS)


@cache
def real_sessions(name: str) -> pl.DataFrame:
    """The set's sessions that would be stored, each once: canonical fields, warnings and notes."""
    mapping = mapping_of(name)
    paths = sorted(
        path for path in (real_data_folder() / name).glob("*.csv") if "locations" not in path.name
    )
    read = [
        batch.frame
        for path in paths
        for batch in read_batches(path, mapping, received_at=RECEIVED_AT)
    ]
    frame = pl.concat(read).with_columns(scope=pl.lit(name))
    ids = session_ids(frame, scope=name, key_has_end=mapping.key_has_end)
    accepted = judged(frame.with_columns(ids), mapping)
    return accepted.unique("session_id", keep="first", maintain_order=True)


def mapping_of(name: str) -> SessionMapping:
    """How the set is read."""
    mapping = load_mapping(name)
    if not isinstance(mapping, SessionMapping):
        raise TypeError(f"{name} names no sessions")
    return mapping


def judged(
    sessions: pl.DataFrame, mapping: SessionMapping, stations: pl.DataFrame = NO_STATIONS
) -> pl.DataFrame:
    """The sessions without an error, with their start on the station's clock and all flags."""
    clock = station_clock(sessions["started_at"], sessions["zone"])
    clocked = sessions.with_columns(clock.alias("started_local_at"))
    told = validate(
        clocked,
        stations=stations,
        limits=Settings(),
        received_at=RECEIVED_AT,
        resolution_s=mapping.resolution_s,
    )
    return told.filter(pl.col("errors").list.len() == 0)


def features_of(sessions: pl.DataFrame) -> pl.DataFrame:
    """What labels and training need of the sessions."""
    times = {
        "started_us": "started_at",
        "ended_us": "ended_at",
        "started_local_us": "started_local_at",
    }
    listed = sessions.with_columns(
        *(pl.col(time).dt.epoch("us").alias(name) for name, time in times.items()),
        revision=pl.lit(1, pl.Int32),
        quality=pl.when(pl.col("warnings").list.len() > 0)
        .then(pl.lit("warning"))
        .otherwise(pl.lit("valid")),
        quality_codes=pl.col("warnings").list.concat("notes"),
    )
    described = describe_sessions(listed.lazy()).collect()
    return described.with_columns(listed["started_at"])
