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
from ev_pipeline.sources.neighbours import overlapping

_DECIDED_ELSEWHERE: Final = frozenset({"station_unregistered"})
"""Codes that depend on what is stored, which a look at a file leaves alone."""

_OVERLAP: Final = "overlaps_same_connector"

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
    busy: set[int] = set()
    if mapping.records == "session":
        sound = frame.filter(judged["errors"].list.len() == 0)
        busy = overlapping(sound, mapping)
    columns = judged.select("errors", "warnings", "notes", frame["line"])
    return [_findings(row, busy, mapping, settings) for row in columns.iter_rows(named=True)]


def sound_records(frame: pl.DataFrame, findings: list[list[Finding]]) -> pl.DataFrame:
    """The records that would be stored, of those that have been judged."""
    is_sound = [all(found.severity != "error" for found in told) for told in findings]
    return frame.filter(pl.Series(is_sound, dtype=pl.Boolean))


def _findings(
    row: dict[str, Any], busy: set[int], mapping: Mapping, settings: Settings
) -> list[Finding]:
    errors = [
        Finding(
            "error",
            error["code"],
            describe(error["code"], error["field"], error["value"], settings)
            + _place(error, mapping),
            error["field"],
            error["value"],
        )
        for error in row["errors"]
    ]
    warnings = [*row["warnings"], *((_OVERLAP,) if row["line"] in busy else ())]
    others = [
        Finding(severity, code, describe(code, None, None, settings))
        for severity, codes in (("warning", warnings), ("note", row["notes"]))
        for code in codes
        if code not in _DECIDED_ELSEWHERE
    ]
    return errors + others


def _place(error: dict[str, Any], mapping: Mapping) -> str:
    """Which columns a value comes from that could not be read."""
    source = mapping.sources.get(error["field"] or "")
    if error["code"] != "bad_value" or source is None or not source.inputs:
        return ""
    return f" (from {', '.join(source.told)})"


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
