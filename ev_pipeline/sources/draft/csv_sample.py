"""The first records of an unseen CSV file.

What lives here: its delimiter, header and rows. What does not: what the columns mean.
"""

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from ev_pipeline.domain.errors import PipelineError

_DELIMITERS: Final = (",", ";", "\t", "|")

_TRIED_ROWS: Final = 200
"""So many rows tell a delimiter."""

_VALUE: Final = re.compile(r"[-+]?[\d.,:/ -]+")
"""What a header's name never is: a number, a date or a clock time."""

Rows = list[list[str | None]]


def csv_rows(text: str, *, is_whole: bool, where: str) -> tuple[str, list[str], Rows]:
    """The delimiter, the header's names and the rows that have as many values.

    Args:
        text: the beginning of the file.
        is_whole: whether it is the whole file; else its last row may be cut.
        where: what the file is called in errors.

    Raises:
        PipelineError: the first line is no header.
    """
    delimiter = max(_DELIMITERS, key=lambda candidate: _agreement(text, candidate))
    records = _records(text, delimiter)
    header = next(records, [])
    names = [name.strip() for name in header]
    if not any(names) or all(_VALUE.fullmatch(name) for name in names if name):
        raise PipelineError(
            "the first line holds values, not the names of columns",
            where=f"{where}, line 1",
            mend="write a line with a name for each column above it",
        )
    rows: Rows = [[*record] for record in records if len(record) == len(names)]
    return delimiter, names, rows if is_whole else rows[:-1]


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    """The records as far as they can be cut; what comes behind is the reader's to refuse."""
    try:
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if record:
                yield record
    except csv.Error:  # a value beyond the module's limit
        return


def _agreement(text: str, delimiter: str) -> float:
    """How well a delimiter explains the text: columns that the header and the rows agree on."""
    widths = [len(record) for record in islice(_records(text, delimiter), _TRIED_ROWS)]
    if not widths:
        return 0.0
    return (widths[0] - 1) * widths.count(widths[0]) / len(widths)
