"""CSV records as a frame of texts: whole blocks at once, and one by one where that fails.

What lives here: the header, columns by name, and records that do not fit them.
What does not: where records begin and end (`splitting`), what the texts mean (`decode`).
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.spreadsheets import without_guards
from ev_pipeline.sources.csv_fields import field_pattern, split_fields
from ev_pipeline.sources.files import record_encoding
from ev_pipeline.sources.header_fit import best_fit, quoted
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline.sources.mapping_errors import line_naming
from ev_pipeline.sources.record_blocks import MAX_RECORD_BYTES, Dialect, Fault, RecordBlock
from ev_pipeline.sources.unknown_keys import nearest

_FAULTS: Final = {
    Fault.OPEN_QUOTE: "a quote is opened and not closed",
    Fault.TOO_LONG: f"longer than {MAX_RECORD_BYTES} bytes; only its beginning is kept",
}

_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")
"""Characters that no header of a text file has."""


@dataclass(frozen=True, slots=True)
class RawRecords:
    """Records as texts.

    Args:
        texts: String columns, named as the source names them; null in records not understood.
        malformed: by row, why a record was not understood.
        unknown_keys: rows that hold keys which the mapping does not name.
    """

    texts: pl.DataFrame
    malformed: dict[int, str]
    unknown_keys: frozenset[int] = frozenset()


def dialect_of(mapping: Mapping) -> Dialect:
    """How the mapping's CSV files separate and quote, in bytes of their record encoding."""
    encoding = record_encoding(mapping.file.encoding)
    try:
        return Dialect(mapping.file.delimiter.encode(encoding), mapping.file.quote.encode(encoding))
    except UnicodeEncodeError as error:
        raise PipelineError(
            f"the delimiter of {mapping.name} does not exist in its encoding: {error}",
            mend="say a delimiter such as , or ; in [file] of the mapping",
        ) from error


class CsvTable:
    """A CSV file's columns, as its header names them.

    Args:
        header: the header record's bytes.
        mapping: how the source writes its records.
        where: what the header's line is called in errors.

    Raises:
        PipelineError: the header is no text, or lacks a column that the mapping needs.
    """

    def __init__(self, header: bytes, mapping: Mapping, where: str) -> None:
        self._encoding = record_encoding(mapping.file.encoding)
        self._dialect = dialect_of(mapping)
        self._field = field_pattern(mapping)
        self._csv_options: Final = _csv_options(mapping)
        try:
            text = header.decode(self._encoding)
        except UnicodeDecodeError as error:
            raise PipelineError(
                f"the header is not {self._encoding}: {error.reason}",
                where=f"{where}, byte {error.start + 1}",
                mend='say the right encoding in [file] of the mapping, e.g. "windows-1252"',
            ) from error
        if _CONTROL.search(text):
            raise PipelineError(
                "this is not a text file: its first line holds control characters",
                where=where,
                mend='export it as CSV; if it is UTF-16, say encoding = "utf-16" in [file]',
            )
        names = split_fields(text, self._field)
        if names is None:
            raise PipelineError(
                "a quote in the header is opened and not closed",
                where=where,
                mend='close it, or say quote = "" in [file] if quotes mean nothing',
            )
        self.header: Final = text
        self.names: Final = [name.strip() for name in names]
        self.mapping: Final = mapping.for_columns(self.names)
        self._indexes = _locate(self.names, self.mapping, where, text)

    def texts(self, block: RecordBlock) -> RawRecords:
        """The block's records as texts."""
        if block.is_regular and not block.faults.any() and b"\0" not in block.data:
            frame = self._at_once(block)
            if frame is not None:
                return RawRecords(self._bare(frame), {})
        records = self._one_by_one(
            [block.raw(row) for row in range(len(block))], block.faults.tolist()
        )
        return replace(records, texts=self._bare(records.texts))

    def _bare(self, texts: pl.DataFrame) -> pl.DataFrame:
        """The texts without what guards them from spreadsheets."""
        return without_guards(texts) if self.mapping.file.guarded else texts

    def _at_once(self, block: RecordBlock) -> pl.DataFrame | None:
        """The block's records, parsed together; null if any is not as it should be."""
        if not len(block):
            return None
        data = memoryview(block.data)[int(block.starts[0]) : int(block.ends[-1])]
        try:
            if self._encoding != "utf-8":
                data = memoryview(bytes(data).decode(self._encoding).encode())
            table = pacsv.read_csv(
                pa.BufferReader(data),
                read_options=pacsv.ReadOptions(
                    column_names=_column_ids(len(self.names)),
                    use_threads=False,
                    block_size=len(data) + 1,
                ),
                parse_options=pacsv.ParseOptions(
                    delimiter=self._dialect.delimiter.decode(),
                    quote_char=self._dialect.quote.decode() or False,
                    newlines_in_values=True,
                ),
                convert_options=pacsv.ConvertOptions(
                    column_types=dict.fromkeys(_column_ids(len(self.names)), pa.large_string()),
                    include_columns=[_column_id(index) for index in self._indexes.values()],
                ),
            )
        except (pa.ArrowInvalid, UnicodeDecodeError):
            return None
        if table.num_rows != len(block):
            return None
        return pl.DataFrame(
            {name: table[_column_id(index)] for name, index in self._indexes.items()}
        )

    def _one_by_one(self, records: Sequence[bytes], faults: Sequence[int]) -> RawRecords:
        """The records, each for itself; those that are not as they should be become malformed."""
        rows: list[Sequence[str | None]] = []
        malformed: dict[int, str] = {}
        nothing = [None] * len(self._indexes)
        for row, (record, fault) in enumerate(zip(records, faults, strict=True)):
            values, reason = self._understood(record, Fault(fault))
            if values is None:
                malformed[row] = f"{reason}: {record.decode(self._encoding, 'replace')}"
                rows.append(nothing)
            else:
                rows.append([values[index] for index in self._indexes.values()])
        schema = dict.fromkeys(self._indexes, pl.String)
        return RawRecords(pl.DataFrame(rows, schema=schema, orient="row"), malformed)

    def _understood(self, record: bytes, fault: Fault) -> tuple[list[str] | None, str]:
        """The record's values, or none and why."""
        if fault:
            return None, _FAULTS[fault]
        if b"\0" in record:
            return None, "holds a NUL character"
        try:
            text = record.decode(self._encoding)
        except UnicodeDecodeError as error:
            return None, f"not {self._encoding} at byte {error.start + 1}"
        values = self._split(text)
        if values is None:
            return None, _FAULTS[Fault.OPEN_QUOTE]
        if len(values) != len(self.names):
            return None, f"{len(values)} values where the header names {len(self.names)}"
        return values, ""

    def _split(self, record: str) -> list[str] | None:
        """The record's values; null if a quote is left open."""
        try:
            (values,) = csv.reader([record], **self._csv_options)
        except csv.Error:  # a stray quote, or a value beyond the module's limit
            return split_fields(record, self._field)
        return values

    def texts_of(self, records: Sequence[bytes]) -> RawRecords:
        """Single records as texts; for records that come back from quarantine."""
        cut = [len(record) >= MAX_RECORD_BYTES for record in records]
        return self._one_by_one(
            records, [Fault.TOO_LONG if is_cut else Fault.NONE for is_cut in cut]
        )


def _mend_of_missing(column: str, names: list[str], header: str) -> str:
    """What to do where a header lacks a column: another mapping, or a look at this one."""
    fitting = best_fit(header)
    if fitting is not None:
        return f"the header is {quoted(header)}: load it by the mapping {fitting.name}"
    closest = nearest(column, filter(None, names))
    hint = f"it may be {closest!r}; " if closest else ""
    return (
        f"{hint}check delimiter and columns in the mapping, or name the column in "
        f"optional_columns if files may lack it; the header is {quoted(header)}"
    )


def _column_id(index: int) -> str:
    return str(index)


def _column_ids(count: int) -> list[str]:
    return [_column_id(index) for index in range(count)]


def _csv_options(mapping: Mapping) -> dict[str, Any]:
    """What the `csv` module is told to split a record, refusing what is not in order."""
    options = {"delimiter": mapping.file.delimiter, "strict": True}
    if not mapping.file.quote:
        return {**options, "quoting": csv.QUOTE_NONE}
    return {**options, "quotechar": mapping.file.quote}


def _locate(names: list[str], mapping: Mapping, where: str, header: str) -> dict[str, int]:
    """Where the mapping's columns stand in the header.

    Raises:
        PipelineError: one that must be there is not, or stands twice.
    """
    indexes = {}
    for column in mapping.columns:
        count = names.count(column.strip())
        if count == 0 and column not in mapping.file.optional_columns:
            line = line_naming(mapping.text, column)
            place = f" (its line {line})" if line else ""
            raise PipelineError(
                f"there is no column {column!r}, which the mapping {mapping.name}{place} reads",
                where=where,
                mend=_mend_of_missing(column, names, header),
            )
        if count > 1:
            first = names.index(column.strip()) + 1
            raise PipelineError(
                f"the column {column!r}, which the mapping {mapping.name} reads, stands twice",
                where=f"{where}, column {first}",
                mend="give the columns different names in the file",
            )
        if count:
            indexes[column] = names.index(column.strip())
    return indexes
