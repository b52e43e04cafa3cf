"""What the rules say of records of a file that is only looked at.

What lives here: judging a frame without a database, and the verdicts as documents.
What does not: the rules (`domain.validation`), what only stored records tell (`intake`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl

from ev_pipeline.domain.localtime import station_clock
from ev_pipeline.domain.validation import describe, validate, validate_stations
from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import Mapping

_DECIDED_ELSEWHERE: Final = frozenset({"station_unregistered"})
"""Codes that depend on what is stored, which a look at a file leaves alone."""

_STATIONS: Final = pl.DataFrame(
    schema={"station_id": pl.String, "is_registered": pl.Boolean, "power_kw": pl.Float64}
)
"""No station is known."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is said of a record.

    Args:
        severity: error, warning or note.
        code: its code.
        message: the same for people.
        field: the field that it is about, if it is about one.
        value: what stood there, if anything did.
    """

    severity: str
    code: str
    message: str
    field: str | None = None
    value: str | None = None


def verdicts(
    frame: pl.DataFrame, mapping: Mapping, settings: Settings, received_at: datetime
) -> list[list[Finding]]:
    """For each record, what would be said of it: errors, then warnings, then notes.

    Args:
        frame: canonical records, as the reader gives them.
        mapping: how they were read.
        settings: the limits, and the zone of stations whose own is unknown.
        received_at: when they are taken to have come.
    """
    judged = _judged(frame, mapping, settings, received_at)
    columns = judged.select("errors", "warnings", "notes")
    return [_findings(row, settings) for row in columns.iter_rows(named=True)]


def count_repeated(frame: pl.DataFrame, mapping: Mapping, findings: list[list[Finding]]) -> int:
    """How many of the records that would be stored have the identity of an earlier one.

    Args:
        frame: canonical records.
        mapping: how they were read.
        findings: what is said of each.
    """
    is_sound = [all(found.severity != "error" for found in told) for told in findings]
    keys = frame.filter(pl.Series(is_sound)).select(_identity(mapping))
    return keys.height - keys.n_unique()


def _identity(mapping: Mapping) -> pl.Expr:
    """What makes a record the same record, within its operator."""
    if mapping.records != "session":
        return pl.col("name" if mapping.records == "site" else "station_id")
    natural = ["station_id", "connector_id", "started_at"]
    natural += ["ended_at"] if mapping.key_has_end else []
    own = pl.col("source_session_id")
    is_own = own.is_not_null()
    parts = [pl.when(~is_own).then(pl.col(name)).alias(name) for name in natural]
    return pl.struct(own, *parts)


def _findings(row: dict[str, Any], settings: Settings) -> list[Finding]:
    errors = [
        Finding(
            "error",
            error["code"],
            describe(error["code"], error["field"], error["value"], settings),
            error["field"],
            error["value"],
        )
        for error in row["errors"]
    ]
    others = [
        Finding(severity, code, describe(code, None, None, settings))
        for severity, codes in (("warning", row["warnings"]), ("note", row["notes"]))
        for code in codes
        if code not in _DECIDED_ELSEWHERE
    ]
    return errors + others


def _judged(
    frame: pl.DataFrame, mapping: Mapping, settings: Settings, received_at: datetime
) -> pl.DataFrame:
    if mapping.records != "session":
        return validate_stations(
            frame, key_field="name" if mapping.records == "site" else "station_id"
        )
    zones = frame["zone"].fill_null(settings.timezone)
    return validate(
        frame.with_columns(started_local_at=station_clock(frame["started_at"], zones)),
        stations=_STATIONS,
        limits=settings,
        received_at=received_at,
        resolution_s=mapping.resolution_s,
    )
