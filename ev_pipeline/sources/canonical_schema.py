"""What columns a canonical frame has.

What lives here: the fields of records, and what is told beside them. What does not: filling it
(`decode`), the fields themselves (`domain.session`).
"""

from typing import Final

import polars as pl

from ev_pipeline.domain.session import SESSION_FIELDS, STATION_FIELDS, FieldSpec, frame_schema
from ev_pipeline.sources.findings import PROBLEM
from ev_pipeline.sources.mapping import Mapping

MOMENT: Final = pl.Datetime("us", "UTC")

EXTRA_COLUMNS: Final[dict[str, pl.DataType]] = {
    "problems": pl.List(PROBLEM),
    "notes": pl.List(pl.String()),
    "weekday": pl.Int8(),
    "zone": pl.String(),
    "started_later_at": MOMENT,
    "ended_later_at": MOMENT,
    "station_name": pl.String(),
    "station_latitude": pl.Float64(),
    "station_longitude": pl.Float64(),
}
"""What a canonical frame carries beside the fields of its records."""


def fields_of(mapping: Mapping) -> tuple[FieldSpec, ...]:
    """The fields of the mapping's records."""
    return SESSION_FIELDS if mapping.records == "session" else STATION_FIELDS


def canonical_schema(mapping: Mapping) -> dict[str, pl.DataType]:
    """The schema of the frames that `decode.to_canonical` makes."""
    return frame_schema(fields_of(mapping)) | EXTRA_COLUMNS
