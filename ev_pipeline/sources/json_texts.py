"""What stands in JSON records, as a frame of texts.

What lives here: paths into records, and scalars as the texts that a CSV file would hold.
What does not: where records come from (`json_records`), what the texts mean (`decode`).
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any, Final

import polars as pl

from ev_pipeline.sources.csv_records import RawRecords
from ev_pipeline.sources.fields import NumberSource, TextSource, TimeSource
from ev_pipeline.sources.json_paths import at
from ev_pipeline.sources.json_records import Element
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline.sources.ocpi import with_derived

_QUOTED_BYTES: Final = 1000
"""How much of a record that was not understood its reason may quote."""

_EXACT: Final = 2**53
"""Below it, floats hold every integer."""


_STANDARDS: Final = {"ocpi_cdr": with_derived}
"""What adds to a record the keys that no path leads to, by standard."""


def texts_of_elements(elements: Sequence[Element], mapping: Mapping) -> RawRecords:
    """The elements' values at the mapping's paths, as texts."""
    columns = _Columns(mapping)
    malformed: dict[int, str] = {}
    unknown: set[int] = set()
    rows: list[Sequence[str | None]] = []
    for row, element in enumerate(elements):
        texts, fault = columns.texts(element)
        if fault:
            start = element.raw[:_QUOTED_BYTES].decode("utf-8", "replace")
            malformed[row] = f"{fault}: {start}"
        elif mapping.file.report_unknown_keys and not columns.roots.issuperset(element.value):
            unknown.add(row)
        rows.append(texts)
    frame = pl.DataFrame(_columnwise(columns.names, rows))
    return RawRecords(frame, malformed, frozenset(unknown))


def _columnwise(names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> list[pl.Series]:
    by_column = zip(*rows, strict=True) if rows else [()] * len(names)
    return [
        pl.Series(name, texts, dtype=pl.String)
        for name, texts in zip(names, by_column, strict=True)
    ]


class _Columns:
    """What the mapping reads of a JSON record.

    Args:
        mapping: how the source writes its records; where that is only as CSV, its columns are
            names, not paths.
    """

    def __init__(self, mapping: Mapping) -> None:
        self.names: Final = mapping.columns
        is_csv = set(mapping.file.format) == {"csv"}
        self._paths = [[name] if is_csv else name.split(".") for name in self.names]
        self.roots: Final = frozenset(path[0] for path in self._paths)
        self._is_flat = all(len(path) == 1 for path in self._paths)
        self._nothing = (None,) * len(self.names)
        self._decimals = {
            name: mapping.file.style_of(source).decimal
            for source in (*mapping.sources.values(), *mapping.hints.values())
            if isinstance(source, NumberSource | TimeSource)
            for name in source.inputs
        }
        self._decimal = mapping.file.decimal
        self._standard = mapping.file.standard
        self._text_columns = frozenset(
            name
            for source in (*mapping.sources.values(), *mapping.hints.values())
            if isinstance(source, TextSource)
            for name in source.inputs
        )

    def texts(self, element: Element) -> tuple[Sequence[str | None], str]:
        """The texts of the columns, and what is wrong if anything is; then every text is null."""
        value, fault = element.value, element.fault
        if not fault and self._standard is not None:
            value, fault = _STANDARDS[self._standard](value)
        if fault:
            return self._nothing, fault
        if self._is_flat:
            values = [*map(value.get, self.names)]
        else:
            values = [at(value, path) for path in self._paths]
        # Without an escape, no text holds a NUL or half a character.
        is_plain = b"\\u" not in element.raw
        for index, found in enumerate(values):
            if found is None or (is_plain and type(found) is str):
                continue
            values[index], fault = self._text(self.names[index], found)
            if fault:
                return self._nothing, fault
        return values, ""

    def _text(self, column: str, value: Any) -> tuple[str | None, str]:
        """A scalar as a CSV file of the same source would write it, and what is wrong if so."""
        if isinstance(value, dict | list):
            kind = "a list" if isinstance(value, list) else "an object"
            return None, f"{column} is {kind}, not a text or a number"
        if isinstance(value, bool):
            return ("true" if value else "false"), ""
        if isinstance(value, str):
            return value, "" if _is_storable(value) else f"{column} holds a NUL or half a character"
        if isinstance(value, float):
            if column in self._text_columns and not isfinite(value):
                return None, f"{column} is {value}, not a text or a number"
            if value.is_integer() and abs(value) < _EXACT:
                value = int(value)  # 1.0 is the number 1, and no id is written with a fraction
        return str(value).replace(".", self._decimals.get(column, self._decimal)), ""


def _is_storable(text: str) -> bool:
    """Whether UTF-8 and PostgreSQL can hold the text: no NUL, no surrogate without its other."""
    if text.isascii():
        return "\0" not in text
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
