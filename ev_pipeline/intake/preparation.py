"""Decoded sessions become sessions that can be stored: with station clock and judgement.

What lives here: the order in which the domain's functions are applied to a batch.
What does not: ids (`delivery`), the functions (`ev_pipeline.domain`), and what is stored already
(`storage`).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import polars as pl

from ev_pipeline.domain.localtime import on_clocks
from ev_pipeline.domain.prepared import AS_WRITTEN
from ev_pipeline.domain.validation import validate
from ev_pipeline.intake.job import Job

_MAX_KNOWN: Final = 32
"""Sets of zones whose expression is kept: an operator's stations stand in few."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch, sorted out.

    Args:
        accepted: sessions to be stored.
        refused: records with errors.
    """

    accepted: pl.DataFrame
    refused: pl.DataFrame


def is_ambiguous() -> pl.Expr:
    """Whether a record has a local time that exists twice."""
    return pl.col("started_later_at").is_not_null() | pl.col("ended_later_at").is_not_null()


def prepare(frame: pl.DataFrame, job: Job, stations: pl.DataFrame) -> Prepared:
    """Every record has its start on the station's clock, and all that is said of it.

    Args:
        frame: decoded sessions with their ids, whose times are settled.
        job: the load.
        stations: what is stored of the operator's stations (`storage.stations.STATION_SCHEMA`).
    """
    default = job.settings.timezone
    zones = {default, *_distinct(stations["time_zone"]), *_distinct(frame["zone"])}
    judged = validate(
        _with_clock(frame, stations, _clock(default, tuple(sorted(zones)))),
        stations=stations,
        limits=job.settings,
        received_at=receipts(frame, job),
        resolution_s=job.mapping.resolution_s,
    )
    has_errors = judged.select(pl.col("errors").list.len() > 0).to_series()
    if not has_errors.any():
        return Prepared(judged, judged.clear())
    return Prepared(judged.filter(~has_errors), judged.filter(has_errors))


def receipts(frame: pl.DataFrame, job: Job) -> pl.Series:
    """When each record of the load came."""
    told = frame["received_at"]
    return told.fill_null(job.origin.received_at) if told.null_count() else told


def _distinct(texts: pl.Series) -> set[str]:
    return set(texts.unique()) - {None} if texts.null_count() < len(texts) else set()


def _with_clock(sessions: pl.DataFrame, stations: pl.DataFrame, clock: pl.Expr) -> pl.DataFrame:
    """Sessions with `started_local_at`, and the weekday that their source states, kept."""
    told = stations.lazy().select("station_id", registered_zone="time_zone")
    return (
        sessions.lazy()
        .join(told, on="station_id", how="left", maintain_order="left")
        .with_columns(started_local_at=clock, stated_weekday="weekday")
        .drop("registered_zone")
        .collect(optimizations=AS_WRITTEN)
    )


@lru_cache(maxsize=_MAX_KNOWN)
def _clock(default: str, zones: tuple[str, ...]) -> pl.Expr:
    """The start on its station's clock, by the registry's zone, else its mapping's, else this."""
    zone = pl.coalesce("registered_zone", "zone", pl.lit(default))
    return on_clocks(pl.col("started_at"), zone, zones)
