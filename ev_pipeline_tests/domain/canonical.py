"""Canonical frames for the tests of the rules: a faultless session, with what a test changes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl
from hypothesis import settings

from ev_pipeline.domain.session import SESSION_FIELDS, STATION_FIELDS, FieldSpec, frame_schema
from ev_pipeline.domain.validation import REASON, validate
from ev_pipeline.settings import Limits

UNHURRIED: Final = settings(deadline=None)
"""For property tests: a machine that is busy with other tests is no fault."""

RECEIVED_AT: Final = datetime(2026, 3, 1, tzinfo=UTC)

FAULTLESS: Final[dict[str, Any]] = {
    "source_session_id": "S1",
    "station_id": "CP-1",
    "connector_id": "1",
    "started_at": datetime(2026, 2, 3, 8, tzinfo=UTC),
    "ended_at": datetime(2026, 2, 3, 10, tzinfo=UTC),
    "energy_kwh": 12.5,
}

STATIONS: Final = pl.DataFrame(
    {
        "station_id": ["CP-1", "CP-22", "CP-seen"],
        "is_registered": [True, True, False],
        "power_kw": [None, 22.0, 7.0],
    },
    schema_overrides={"power_kw": pl.Float64},
)

_EXTRA: Final = {
    "line": pl.Int64(),
    "problems": pl.List(REASON),
    "notes": pl.List(pl.String()),
    "weekday": pl.Int8(),
    "zone": pl.String(),
    "started_later_at": pl.Datetime("us", "UTC"),
    "ended_later_at": pl.Datetime("us", "UTC"),
    "started_local_at": pl.Datetime("us"),
}


def sessions(*changes: dict[str, Any]) -> pl.DataFrame:
    """A frame of faultless sessions, one for each mapping of changes."""
    return _frame(SESSION_FIELDS, [FAULTLESS | change for change in changes])


def stations(*records: dict[str, Any]) -> pl.DataFrame:
    """A frame of registry records."""
    return _frame(STATION_FIELDS, records)


def _frame(fields: tuple[FieldSpec, ...], records: Sequence[dict[str, Any]]) -> pl.DataFrame:
    schema = frame_schema(fields) | _EXTRA
    empty: dict[str, Any] = dict.fromkeys(schema) | {"problems": [], "notes": []}
    numbered = [empty | {"line": i} | record for i, record in enumerate(records, start=2)]
    return pl.DataFrame(numbered, schema=schema)


def problem(code: str, field: str | None = None, value: str | None = None) -> dict[str, Any]:
    """A decoder's problem."""
    return {"code": code, "field": field, "value": value}


def judged(
    frame: pl.DataFrame, *, resolution_s: float = 0.0, limits: Limits | None = None
) -> pl.DataFrame:
    """The frame with errors, warnings and notes."""
    return validate(
        frame,
        stations=STATIONS,
        limits=limits or Limits(),
        received_at=RECEIVED_AT,
        resolution_s=resolution_s,
    )


def codes(change: dict[str, Any], *, resolution_s: float = 0.0, **limits: Any) -> list[str]:
    """All codes of one session: errors, warnings, notes."""
    row = judged(sessions(change), resolution_s=resolution_s, limits=Limits(**limits)).row(
        0, named=True
    )
    return [*(error["code"] for error in row["errors"]), *row["warnings"], *row["notes"]]
