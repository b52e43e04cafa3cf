"""Sessions to report, from a file that a mapping reads: one frame of rows for every source.

What lives here: the frame's columns, reading it, and going through it from a place. What does not:
what is made of a row (`sending.reports`).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.session import SESSION_FIELDS, Kind
from ev_pipeline.sources.csv_fields import field_pattern, split_fields
from ev_pipeline.sources.csv_records import CsvTable
from ev_pipeline.sources.files import record_encoding
from ev_pipeline.sources.mapping import Mapping as SourceMapping
from ev_pipeline.sources.reader import RecordBatch, read_batches

WIRE_NAMES: Final = {
    field.name: "session_id" if field.name == "source_session_id" else field.name
    for field in SESSION_FIELDS
}
"""What each field is called on the wire."""

ISO_UTC: Final = "%Y-%m-%dT%H:%M:%S%.fZ"
"""How times are written on the wire."""

_META: Final = ("started_s", "ended_s", "original", "is_readable")
"""Columns that are about a row and do not go on the wire."""

_US_PER_S: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One session of a source.

    Args:
        fields: its fields by their names on the wire; what is null is not there.
        started_s: plug-in, Unix time, s; null if unknown.
        ended_s: plug-out, Unix time, s; null if unknown.
        original: the record as its source has it, in JSON; null where nobody asked for it, or it
            has no such form.
        is_readable: whether its source's mapping could understand it at all.
    """

    fields: Mapping[str, Any]
    started_s: float | None
    ended_s: float | None
    original: bytes | None
    is_readable: bool


def read_frames(
    path: Path, mapping: SourceMapping, *, received_at: datetime, is_as_is: bool
) -> Iterator[pl.DataFrame]:
    """The file's sessions, a frame at a time.

    Args:
        path: the file.
        mapping: how it is written.
        received_at: what stands for times that the mapping takes from receipt.
        is_as_is: whether the records' own form is wanted, too.

    Raises:
        PipelineError: it cannot be read, or holds no sessions.
    """
    if mapping.records != "session":
        raise PipelineError(
            f"the mapping {mapping.name} reads no sessions but {mapping.records}s",
            mend="load them by `ev-pipeline load`; chargers report sessions only",
        )
    for batch in read_batches(path, mapping, received_at=received_at):
        originals = _originals(batch, mapping, path) if is_as_is else None
        codes = pl.col("problems").list.eval(pl.element().struct.field("code"))
        yield with_wire_names(
            batch.frame.with_columns(
                pl.Series("original", originals, dtype=pl.Binary)
                if originals
                else pl.lit(None, pl.Binary).alias("original"),
                is_readable=~codes.list.contains("malformed"),
            )
        )


def with_wire_names(frame: pl.DataFrame) -> pl.DataFrame:
    """Canonical sessions as rows to report.

    Args:
        frame: the canonical fields, `original` and `is_readable`.
    """
    times = [field.name for field in SESSION_FIELDS if field.kind is Kind.TIME]
    seconds = [
        (pl.col(f"{name}_at").dt.epoch("us") / _US_PER_S).alias(f"{name}_s")
        for name in ("started", "ended")
    ]
    frame = frame.select(*WIRE_NAMES, *seconds, "original", "is_readable")
    return frame.with_columns(pl.col(times).dt.to_string(ISO_UTC)).rename(WIRE_NAMES)


def in_order_of_end(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Every row, in the order in which sessions ended; the whole file is in memory."""
    return pl.concat(frames).sort("ended_s", nulls_last=True, maintain_order=True)


def rows_from(frames: Iterable[pl.DataFrame], first: int) -> Iterator[Row]:
    """The rows from the one with that number on, counted from 0."""
    for frame in frames:
        if first >= frame.height:
            first -= frame.height
            continue
        part, first = frame.slice(first), 0
        fields = part.drop(_META).iter_rows(named=True)
        about = part.select(_META).iter_rows()
        for values, (started_s, ended_s, original, is_readable) in zip(fields, about, strict=True):
            known = {name: value for name, value in values.items() if value is not None}
            yield Row(known, started_s, ended_s, original, is_readable)


def _originals(batch: RecordBatch, mapping: SourceMapping, path: Path) -> list[bytes | None]:
    """Each record in JSON, as its source has it: an object's bytes, or a flat one of a CSV row."""
    raw = [batch.raw(row) for row in range(batch.frame.height)]
    if batch.header is None:
        return [*raw]
    table = CsvTable(batch.header, mapping, where=str(path))
    encoding, field = record_encoding(mapping.file.encoding), field_pattern(mapping)
    originals: list[bytes | None] = []
    for record in raw:
        values = split_fields(record.decode(encoding, "replace"), field)
        if values is None or len(values) != len(table.names):
            originals.append(None)
        else:
            by_column = dict(zip(table.names, values, strict=True))
            originals.append(json.dumps(by_column, ensure_ascii=False).encode())
    return originals
