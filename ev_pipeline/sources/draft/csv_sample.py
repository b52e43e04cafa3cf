"""The first records of an unseen CSV file.

What lives here: its delimiter, header and rows, and the lines around them that are no records.
What does not: what the columns mean.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import mode
from typing import Final

from ev_pipeline.domain.errors import PipelineError

_DELIMITERS: Final = (",", ";", "\t", "|")

_TRIED_ROWS: Final = 200
"""So many rows tell a delimiter."""

_MAX_ABOVE: Final = 20
"""No title that stands above a header has more records."""

_LAST_ROWS: Final = 3
"""Totals stand among so many last records."""

_VALUE: Final = re.compile(r"[-+]?[\d.,:/ -]+")
"""What a header's name never is: a number, a date or a clock time."""

_TOTAL: Final = re.compile(
    r"(?:grand )?(?:total|totals|sum|summe|gesamt|totale|totaal|somme)\b", re.IGNORECASE
)
"""How a line of totals begins in several languages."""

Rows = list[list[str | None]]


@dataclass(frozen=True, slots=True)
class CsvRows:
    """What the beginning of a CSV file holds.

    Args:
        delimiter: between values.
        names: the header's.
        rows: those that have as many values.
        n_above: lines above the header.
        totals: how lines of totals begin.
    """

    delimiter: str
    names: list[str]
    rows: Rows
    n_above: int = 0
    totals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Record:
    """One record, and on how many lines those before it stand."""

    values: list[str]
    n_before: int


def csv_rows(text: str, *, is_whole: bool, where: str) -> CsvRows:
    """The delimiter, the header's names and the rows that have as many values.

    Args:
        text: the beginning of the file.
        is_whole: whether it is the whole file; else its last row may be cut.
        where: what the file is called in errors.

    Raises:
        PipelineError: the first line is no header.
    """
    delimiter = max(_DELIMITERS, key=lambda candidate: _agreement(text, candidate))
    records = list(_records(text, delimiter))
    place = _header_place(records)
    header = records[place] if records else _Record([], 0)
    names = [name.strip() for name in header.values]
    if not any(names) or all(_VALUE.fullmatch(name) for name in names if name):
        raise PipelineError(
            "the first line holds values, not the names of columns",
            where=f"{where}, line {header.n_before + 1}",
            mend="write a line with a name for each column above it",
        )
    below = [record.values for record in records[place + 1 :]]
    below = below if is_whole else below[:-1]
    totals = _totals(below[-_LAST_ROWS:], delimiter, text) if is_whole else {}
    rows: Rows = [
        [*values] for values in below if len(values) == len(names) and tuple(values) not in totals
    ]
    n_above = header.n_before if place else 0
    return CsvRows(delimiter, names, rows, n_above, tuple(dict.fromkeys(totals.values())))


def _records(text: str, delimiter: str) -> Iterator[_Record]:
    """The records as far as they can be cut; what comes behind is the reader's to refuse."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    n_before = 0
    try:
        for values in reader:
            if values:
                yield _Record(values, n_before)
            n_before = reader.line_num
    except csv.Error:  # a value beyond the module's limit
        return


def _header_place(records: Sequence[_Record]) -> int:
    """Which record names the columns: the first, unless it is a title above such a one."""
    tried = records[:_TRIED_ROWS]
    width = mode(len(record.values) for record in tried) if tried else 0
    for place, record in enumerate(tried[:_MAX_ABOVE]):
        names = [name.strip() for name in record.values if name.strip()]
        if len(record.values) == width and 2 * len(names) >= width and _may_name(names):
            return place
        if place == 0 and len(record.values) >= width and 2 * len(names) >= width:
            return 0
    return 0


def _may_name(names: Sequence[str]) -> bool:
    """Whether the texts may be the names of columns: none twice, and none a value."""
    return len({*names}) == len(names) and not any(map(_VALUE.fullmatch, names))


def _totals(last: Sequence[list[str]], delimiter: str, text: str) -> dict[tuple[str, ...], str]:
    """How the lines of totals among the last records begin, by their values.

    With the delimiter, where the value is not quoted: a station may be called Totalfuel.
    """
    found = {}
    for values in last:
        place = next((place for place, value in enumerate(values) if value.strip()), None)
        if place is not None and _TOTAL.match(values[place].strip()):
            start = delimiter * place + values[place]
            whole = start + delimiter
            found[tuple(values)] = (
                whole if re.search(rf"^{re.escape(whole)}", text, re.MULTILINE) else start
            )
    return found


def _agreement(text: str, delimiter: str) -> float:
    """How well a delimiter explains the text: columns that the header and the rows agree on."""
    records = list(islice(_records(text, delimiter), _TRIED_ROWS))
    if not records:
        return 0.0
    records = records[_header_place(records) :]
    widths = [len(record.values) for record in records]
    return (widths[0] - 1) * widths.count(widths[0]) / len(widths)
