"""The one reader: files of any size and form, as batches of canonical records.

What lives here: from a path to batches, and from raw records back to a batch.
What does not: formats (`csv_records`, `json_records`), meaning (`decode`).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import polars as pl

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.canonical_frames import canonical_frame
from ev_pipeline.sources.csv_records import CsvTable, RawRecords, dialect_of
from ev_pipeline.sources.file_format import Format
from ev_pipeline.sources.files import ByteSource, name_of, opened
from ev_pipeline.sources.header_fit import refuse_other_header, refuse_other_keys
from ev_pipeline.sources.json_records import (
    Element,
    element_of_line,
    elements_of_document,
    has_list,
)
from ev_pipeline.sources.json_texts import texts_of_elements
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline.sources.record_blocks import Dialect, Fault, RecordBlock
from ev_pipeline.sources.skipping import SkippedLines, skip_above, without_declared
from ev_pipeline.sources.splitting import split_records

BATCH_BYTES: Final = 8 << 20
"""How much of a file is held at a time: enough to be fast, small beside the memory there is."""

_ELEMENT_OVERHEAD_BYTES: Final = 100
"""What a JSON element costs beside its text, so that many small ones are no surprise."""

_PEEK_BYTES: Final = 1 << 16
"""Enough of a file to tell its form."""

_LINES: Final = Dialect(b",", b"")
"""JSON lines: no quotes that could hide a line's end."""


@dataclass(frozen=True)
class RecordBatch:
    """Records in a row, decoded, with the bytes that they came from.

    Args:
        frame: one row a record: the canonical fields and what came of reading them.
        header: the header record's bytes; null for JSON.
        raw: the bytes of the record in a row of the frame.
        counted_in: what the frame's `line` counts.
    """

    frame: pl.DataFrame
    header: bytes | None
    raw: Callable[[int], bytes] = field(repr=False)
    counted_in: Literal["line", "element"] = "line"


def read_batches(
    path: Path,
    mapping: Mapping,
    *,
    received_at: datetime,
    batch_bytes: int = BATCH_BYTES,
    skipped: SkippedLines | None = None,
) -> Iterator[RecordBatch]:
    """The file's records, batch by batch, in order; blank lines are none.

    Args:
        path: a CSV or JSON file, perhaps packed by gzip or zip.
        mapping: how the source writes its records.
        received_at: when the file came.
        batch_bytes: how much of it to hold at a time.
        skipped: counts the lines that are no records, as they are passed over.

    Raises:
        PipelineError: the file cannot be read; names file, line and mend.
    """
    with opened(path, mapping.file.encoding) as source:
        start = source.peek(_PEEK_BYTES)
        if not start.strip():
            raise PipelineError(
                "the file is empty", where=name_of(path), mend="export it again, with its header"
            )
        match _form(start, mapping):
            case "csv":
                skipped = skipped or SkippedLines()
                batches = _csv_batches(source, mapping, received_at, batch_bytes, skipped)
            case "jsonl":
                batches = _line_batches(source, mapping, received_at, batch_bytes)
            case "json":
                batches = _document_batches(source, mapping, received_at, batch_bytes)
        yield from batches


def read_records(
    raw: list[bytes], mapping: Mapping, header: bytes | None, received_at: datetime
) -> RecordBatch:
    """Single records, decoded again as they are; each is numbered by its place in the list.

    Args:
        raw: the records' bytes, as a batch gave them.
        mapping: how the source writes its records.
        header: the header of the file that they came from; null for JSON.
        received_at: when they came.
    """
    records, mapping = raw_texts(raw, mapping, header)
    lines = pl.Series("line", range(1, len(raw) + 1), dtype=pl.Int64)
    return RecordBatch(
        canonical_frame(records, mapping, received_at, lines), header, raw.__getitem__
    )


def raw_texts(
    raw: list[bytes], mapping: Mapping, header: bytes | None
) -> tuple[RawRecords, Mapping]:
    """Single records as texts by column, and the mapping (or its variant) that reads them."""
    if header is None:
        return texts_of_elements([element_of_line(line) for line in raw], mapping), mapping
    table = CsvTable(header, mapping, where="header of the raw records")
    return table.texts_of(raw), table.mapping


def _form(start: bytes, mapping: Mapping) -> Format:
    """The form of a file that begins so, among those that its mapping allows."""
    allowed = mapping.file.format
    if len(allowed) == 1:
        return allowed[0]
    text = start.lstrip()
    first_line = text.partition(b"\n")[0].rstrip()
    if text.startswith(b"{") and first_line.endswith(b"}") and "jsonl" in allowed:
        return "jsonl"
    if text.startswith((b"[", b"{")):
        return "json" if "json" in allowed else "jsonl"
    return "csv" if "csv" in allowed else allowed[0]


def _csv_batches(
    source: ByteSource,
    mapping: Mapping,
    received_at: datetime,
    batch_bytes: int,
    skipped: SkippedLines,
) -> Iterator[RecordBatch]:
    table: CsvTable | None = None
    header = b""
    skip_above(source, mapping, skipped)
    first_line = mapping.file.skip_lines + 1
    dialect = dialect_of(mapping)
    for block in split_records(source.read, dialect, batch_bytes, first_line=first_line):
        records = without_declared(block, mapping, skipped)
        if table is None and len(records):
            header = records.raw(0)
            where = f"{name_of(source.path)}, line {records.lines[0]}"
            table = CsvTable(header, mapping, where)
            refuse_other_header(table.header, mapping, where)
            records = records.after_first()
        if table is None or not len(records):
            continue
        frame = canonical_frame(table.texts(records), table.mapping, received_at, _lines(records))
        yield RecordBatch(frame, header, records.raw)


def _line_batches(
    source: ByteSource, mapping: Mapping, received_at: datetime, batch_bytes: int
) -> Iterator[RecordBatch]:
    for block in split_records(source.read, _LINES, batch_bytes):
        if not len(block):
            continue
        elements = [
            element_of_line(block.raw(row))
            if fault == Fault.NONE
            else Element(block.raw(row), None, "the line is too long")
            for row, fault in enumerate(block.faults)
        ]
        if block.lines[0] == 1:
            _refuse_other_keys(elements, mapping, source)
        records = texts_of_elements(elements, mapping)
        yield RecordBatch(
            canonical_frame(records, mapping, received_at, _lines(block)), None, block.raw
        )


def _document_batches(
    source: ByteSource, mapping: Mapping, received_at: datetime, batch_bytes: int
) -> Iterator[RecordBatch]:
    number = 0
    for elements in _in_batches(elements_of_document(source, mapping), batch_bytes):
        if number == 0:
            _refuse_other_keys(elements, mapping, source)
        records = texts_of_elements(elements, mapping)
        lines = pl.Series("line", range(number + 1, number + len(elements) + 1), dtype=pl.Int64)
        number += len(elements)
        frame = canonical_frame(records, mapping, received_at, lines)
        raw = [element.raw for element in elements]
        yield RecordBatch(frame, None, raw.__getitem__, counted_in="element")
    path = mapping.file.list_at
    if number == 0 and path is not None:
        with opened(source.path, mapping.file.encoding) as again:
            is_empty_list = again.peek(_PEEK_BYTES).lstrip().startswith(b"[")
            if not is_empty_list and not has_list(again, path):
                raise PipelineError(
                    f"there is no list at {path}",
                    where=name_of(source.path),
                    mend="say in list_at, in [file] of the mapping, where the list of records is",
                )


def _refuse_other_keys(elements: list[Element], mapping: Mapping, source: ByteSource) -> None:
    """Records whose first is one of another shipped mapping are refused."""
    if not elements[0].fault:
        refuse_other_keys([*elements[0].value], mapping, name_of(source.path))


def _in_batches(elements: Iterable[Element], batch_bytes: int) -> Iterator[list[Element]]:
    batch: list[Element] = []
    size = 0
    for element in elements:
        batch.append(element)
        size += len(element.raw) + _ELEMENT_OVERHEAD_BYTES
        if size >= batch_bytes:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _lines(block: RecordBlock) -> pl.Series:
    return pl.Series("line", block.lines, dtype=pl.Int64)
