"""How the first records of a file are read, for the person who writes the mapping.

What lives here: which columns and texts each field came from.
What does not: what the rules say of the records (`domain.validation`), printing (`cli`).
"""

from collections.abc import Mapping as Dict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from ev_pipeline.sources.decode import fields_of
from ev_pipeline.sources.fields import NumberSource, Source, TextSource, TimeSource
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline.sources.reader import raw_texts, read_batches

_FIRST_BYTES: Final = 1 << 18
"""How much of the file is read for its first records."""


@dataclass(frozen=True, slots=True)
class FieldReading:
    """How one field of one record was read.

    Args:
        value: what it became; null where there is nothing, or nothing that could be read.
        origin: the columns it came from, or what else gave it.
        text: what stood there; null where nothing did.
    """

    value: Any
    origin: str
    text: str | None


@dataclass(frozen=True, slots=True)
class FileReading:
    """How the first records of a file are read.

    Args:
        frame: the records, canonical.
        fields: for each record, how each field was read that the mapping states.
        raw: the records' bytes.
        absent: columns that the mapping names and the file lacks.
    """

    frame: pl.DataFrame
    fields: list[dict[str, FieldReading]]
    raw: list[bytes]
    absent: list[str]


def explain(path: Path, mapping: Mapping, *, n_records: int, received_at: datetime) -> FileReading:
    """How the first `n_records` of the file are read.

    Raises:
        PipelineError: the file cannot be read.
    """
    batches = read_batches(path, mapping, received_at=received_at, batch_bytes=_FIRST_BYTES)
    batch = next(batches, None)
    if batch is None:
        return FileReading(pl.DataFrame(), [], [], [])
    frame = batch.frame.head(n_records)
    raw = [batch.raw(row) for row in range(frame.height)]
    records, used = raw_texts(raw, mapping, batch.header)
    hints = {_hint_column(field): source for field, source in used.hints.items()}
    sources = used.sources | hints
    order = [spec.name for spec in fields_of(used)]
    stated = sorted(sources, key=lambda name: order.index(name) if name in order else len(order))
    fields = [
        {name: _reading(name, sources[name], values, texts) for name in stated}
        for values, texts in zip(
            frame.iter_rows(named=True), records.texts.iter_rows(named=True), strict=True
        )
    ]
    absent = [column for column in used.columns if column not in records.texts.columns]
    return FileReading(frame, fields, raw, absent)


def _hint_column(field: str) -> str:
    """The frame's column for what a session row tells of its station."""
    return "zone" if field == "time_zone" else f"station_{field}"


def _reading(
    name: str, source: Source, values: Dict[str, Any], texts: Dict[str, str | None]
) -> FieldReading:
    there = [texts.get(column) for column in source.inputs]
    text = " ".join(part for part in there if part) or None
    return FieldReading(values[name], _origin(source), text)


def _origin(source: Source) -> str:
    """What gives a field, in words."""
    columns = " + ".join(source.inputs)
    if columns and isinstance(source, TimeSource) and source.duration_column is not None:
        other = "started_at +" if source.start_plus is not None else "ended_at -"
        return f"{other} {columns}"
    if isinstance(source, NumberSource) and source.until is not None:
        return f"from started_at until {columns}"
    if columns:
        return columns
    if isinstance(source, TextSource):
        return "the mapping's constant"
    return "the time of receipt" if isinstance(source, TimeSource) else "the mapping's constant"
