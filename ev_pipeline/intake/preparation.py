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
from ev_pipeline.domain.prepared import PreparedQuery
from ev_pipeline.domain.validation import validate
from ev_pipeline.intake.job import Job

_MAX_KNOWN: Final = 32
"""Sets of zones whose query is kept: an operator's stations stand in few."""


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
    zones = {default, *stations["time_zone"].unique(), *frame["zone"].unique()} - {None}
    judged = validate(
        _with_clock(default, tuple(sorted(zones))).run(frame, stations),
        stations=stations,
        limits=job.settings,
        received_at=frame["received_at"].fill_null(job.origin.received_at),
        resolution_s=job.mapping.resolution_s,
    )
    has_errors = judged.select(pl.col("errors").list.len() > 0).to_series()
    if not has_errors.any():
        return Prepared(judged, judged.clear())
    return Prepared(judged.filter(~has_errors), judged.filter(has_errors))


@lru_cache(maxsize=_MAX_KNOWN)
def _with_clock(default: str, zones: tuple[str, ...]) -> PreparedQuery:
    """Sessions with `started_local_at`, and the weekday that their source states, kept.

    A station's zone is the registry's, else what its mapping knows, else the default.
    """

    def query(sessions: pl.LazyFrame, stations: pl.LazyFrame) -> pl.LazyFrame:
        zone = pl.coalesce("registered_zone", "zone", pl.lit(default))
        told = stations.select("station_id", registered_zone="time_zone")
        return (
            sessions.join(told, on="station_id", how="left", maintain_order="left")
            .with_columns(
                on_clocks(pl.col("started_at"), zone, zones).alias("started_local_at"),
                stated_weekday="weekday",
            )
            .drop("registered_zone")
        )

    return PreparedQuery(query)
