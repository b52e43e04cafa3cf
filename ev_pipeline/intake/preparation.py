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


def is_ambiguous(rows: pl.DataFrame) -> pl.Series:
    """Whether each record has a local time that exists twice."""
    return rows["started_later_at"].is_not_null() | rows["ended_later_at"].is_not_null()


def prepare(frame: pl.DataFrame, job: Job, stations: pl.DataFrame) -> Prepared:
    """Every record has its start on the station's clock, and all that is said of it.

    Args:
        frame: decoded sessions with their ids, whose times are settled.
        job: the load.
        stations: what is stored of the operator's stations (`storage.stations.STATION_SCHEMA`).
    """
    judged = validate(
        _with_clock(frame, stations, job.settings.timezone),
        stations=stations,
        limits=job.settings,
        received_at=receipts(frame, job),
        resolution_s=job.mapping.resolution_s,
    )
    has_errors = judged["errors"].list.len() > 0
    if not has_errors.any():
        return Prepared(judged, judged.clear())
    return Prepared(judged.filter(~has_errors), judged.filter(has_errors))


def receipts(frame: pl.DataFrame, job: Job) -> pl.Series:
    """When each record of the load came."""
    told = frame["received_at"]
    return told.fill_null(job.origin.received_at) if told.null_count() else told


def _with_clock(sessions: pl.DataFrame, stations: pl.DataFrame, default: str) -> pl.DataFrame:
    """Sessions with `started_local_at`, and the weekday that their source states, kept.

    The clock is that of the registry's zone, else of the record's or mapping's, else the default.
    """
    # Not a join: of a stream's few records it would take longer than all of this.
    registered = dict(
        zip(stations["station_id"].to_list(), stations["time_zone"].to_list(), strict=True)
    )
    zones = [
        registered.get(station) or told or default
        for station, told in zip(
            sessions["station_id"].to_list(), sessions["zone"].to_list(), strict=True
        )
    ]
    clock = station_clock(sessions["started_at"], pl.Series("zone", zones, dtype=pl.String))
    return sessions.hstack(
        [clock.alias("started_local_at"), sessions["weekday"].alias("stated_weekday")]
    )
