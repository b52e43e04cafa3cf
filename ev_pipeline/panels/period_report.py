"""The period report: what happened from one day to another, in all and day by day.

What lives here: the report as one document, as a CSV file and as a frame. What does not: how it is
asked for (`period_request` and the command line), which days a period has (`domain.periods`).

Screen, command line and file show this one document, and so agree to the last digit.
"""

import csv
from datetime import date
from io import StringIO
from typing import Any

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.periods import Period, PeriodError
from ev_pipeline.panels import measures
from ev_pipeline.settings import Settings
from ev_pipeline.storage.panel_counts import refused_by_day, scopes_of_station
from ev_pipeline.storage.panel_snapshot import Snapshot, open_snapshot
from ev_pipeline.storage.panel_sums import (
    NOTHING,
    Sums,
    add_sums,
    sums_by_day,
    sums_of_station_by_day,
)


def report_period(
    engine: sa.Engine, settings: Settings, period: Period, station_id: str | None
) -> dict[str, Any]:
    """What happened in the period, at one moment of the database.

    A session belongs to the day on which it starts. Every day is listed: one without a session has
    counts and sums of 0, and means and cost of null.

    Args:
        engine: the database.
        settings: the reporting zone and currency.
        period: the days.
        station_id: the station; null for all.

    Raises:
        PeriodError: `unknown_station`.
        PipelineError: days are formed in another zone than the reporting zone.
    """
    with open_snapshot(engine, settings) as snapshot:
        by_day = _sums(snapshot, period, station_id)
        refused = refused_by_day(snapshot, period, station_id=station_id)
    total = _measures(add_sums(list(by_day.values())), sum(refused.values()))
    return {
        "from": period.first_day.isoformat(),
        "to": period.last_day.isoformat(),
        "timezone": settings.timezone,
        **total,
        "currency": settings.currency,
        "by_day": [
            {"day": day.isoformat(), **_measures(by_day.get(day, NOTHING), refused.get(day, 0))}
            for day in period.days()
        ],
    }


def as_csv(report: dict[str, Any]) -> str:
    """The report's days as CSV, numbers as JSON writes them; what is null is empty."""
    text = StringIO()
    columns = [*report["by_day"][0], "currency", "timezone"]
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    common = {name: report[name] for name in ("currency", "timezone")}
    writer.writerows({**day, **common} for day in report["by_day"])
    return text.getvalue()


def as_frame(report: dict[str, Any]) -> pl.DataFrame:
    """The report's days as `as_csv` has them, each column of its type."""
    days = pl.DataFrame(report["by_day"], infer_schema_length=None).with_columns(
        pl.col("day").str.to_date()
    )
    numbers = [name for name, kind in days.schema.items() if kind == pl.Null]
    return days.with_columns(
        pl.col(numbers).cast(pl.Float64),
        *(pl.lit(report[name]).alias(name) for name in ("currency", "timezone")),
    )


def _sums(snapshot: Snapshot, period: Period, station_id: str | None) -> dict[date, Sums]:
    if station_id is None:
        return sums_by_day(snapshot, period)
    scopes = scopes_of_station(snapshot, station_id)
    if not scopes:
        raise PeriodError(
            "unknown_station",
            f"there is no station {station_id[:80]!r}",
            mend="name one that sessions or a registry name",
        )
    return sums_of_station_by_day(snapshot, station_id, scopes, period)


def _measures(sums: Sums, n_excluded: int) -> dict[str, Any]:
    figures = measures.use(sums)
    return {"n_sessions": figures.pop("n_sessions"), "n_excluded": n_excluded, **figures}
