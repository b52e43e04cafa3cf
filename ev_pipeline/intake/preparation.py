"""Decoded sessions become sessions that can be stored: with station clock and judgement.

What lives here: the order in which the domain's functions are applied to a batch.
What does not: ids (`delivery`), the functions (`ev_pipeline.domain`), and what is stored already
(`storage`).
"""

from dataclasses import dataclass

import polars as pl

from ev_pipeline.domain.localtime import station_clock
from ev_pipeline.domain.validation import validate
from ev_pipeline.intake.job import Job


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
    zones = _zones(frame, stations, job.settings.timezone)
    with_clock = frame.with_columns(
        station_clock(frame["started_at"], zones).alias("started_local_at"),
        stated_weekday="weekday",
    )
    judged = validate(
        with_clock,
        stations=stations.select("station_id", "is_registered", "power_kw"),
        limits=job.settings,
        received_at=frame["received_at"].fill_null(job.origin.received_at),
        resolution_s=job.mapping.resolution_s,
    )
    has_errors = pl.col("errors").list.len() > 0
    return Prepared(judged.filter(~has_errors), judged.filter(has_errors))


def _zones(frame: pl.DataFrame, stations: pl.DataFrame, default: str) -> pl.Series:
    """The station's zone: the registry's, else what its mapping knows, else the setting's."""
    return frame.join(
        stations.select("station_id", "time_zone"),
        on="station_id",
        how="left",
        maintain_order="left",
    ).select(pl.coalesce("time_zone", "zone", pl.lit(default)).alias("zone"))["zone"]
