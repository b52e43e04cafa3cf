"""The texts of a batch of raw records: trimmed, with missing markers taken out.

What lives here: from columns and paths to texts, and parts of them.
What does not: what the texts mean (`decode`).
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from math import inf
from typing import Final

import polars as pl

from ev_pipeline.sources.fields import Source

_MAX_SINGLES: Final = 256
"""Nulls of each kind, and the constants of some mappings."""


def where(mask: pl.Series, values: pl.Series) -> pl.Series:
    """The values where the mask holds, else null."""
    # A kernel of its own: an expression costs more than a small batch's whole column.
    return values.zip_with(mask, _single(None, values.dtype))


def finite(numbers: pl.Series) -> pl.Series:
    """The numbers that are finite, else null."""
    return where((numbers > -inf) & (numbers < inf), numbers)


def constant(value: object, dtype: pl.DataType, height: int) -> pl.Series:
    """The same value for every record."""
    return _single(value, dtype).new_from_index(0, height)


@lru_cache(maxsize=_MAX_SINGLES)
def _single(value: object, dtype: pl.DataType) -> pl.Series:
    """One value, made once: to make it takes longer than to repeat it."""
    return pl.Series([value], dtype=dtype)


class Cells:
    """The texts of a batch.

    Args:
        raw: String columns, named as the source names them.
        missing: texts that mean "no value" in every column.
    """

    def __init__(self, raw: pl.DataFrame, missing: Sequence[str]) -> None:
        said = [column.name for column in raw if column.null_count() < raw.height]
        self._trimmed = raw.select(pl.col(said).str.strip_chars())
        self._height = raw.height
        self._missing = tuple(missing)

    @property
    def height(self) -> int:
        """How many records there are."""
        return self._height

    def has(self, name: str) -> bool:
        """Whether any record says something in the column."""
        return name in self._trimmed.columns

    def column(self, name: str, missing: Sequence[str] = ()) -> pl.Series:
        """A column's texts; null where empty or missing, and where there is no such column."""
        if name not in self._trimmed.columns:
            return constant(None, pl.String(), self.height)
        return self._present(self._trimmed[name], missing)

    def texts(self, source: Source) -> pl.Series:
        """The texts of a source's column, or of its columns joined by one space.

        Where it takes a part of them, a marker of no value may be the whole or the part.
        """
        first = self._told(source, source.told)
        if source.else_column is None:
            return first
        return first.zip_with(first.is_not_null(), self._told(source, (source.else_column,)))

    def has_stand_in(self, source: Source) -> pl.Series:
        """Whether a source's other column stands in for the first, by record."""
        first = self._told(source, source.told)
        return first.is_null() & self.texts(source).is_not_null()

    def texts_of(self, column: str, source: Source) -> pl.Series:
        """The texts of another column of a source, taken as those of its first."""
        return self._told(source, (column,))

    def _told(self, source: Source, columns: Sequence[str]) -> pl.Series:
        if len(columns) == 1:
            texts = self.column(columns[0], source.missing)
        else:
            parts = [self.column(name).fill_null("") for name in columns]
            joined = pl.select(pl.concat_str(parts, separator=" ").str.strip_chars()).to_series()
            texts = self._present(joined, source.missing)
        if source.cut is None:
            return texts
        return self._present(part_of(texts, *source.cut), source.missing)

    def _present(self, texts: pl.Series, missing: Sequence[str]) -> pl.Series:
        is_present = texts != ""
        for marker in (*self._missing, *missing):
            is_present &= texts != marker
        return where(is_present, texts)


def part_of(texts: pl.Series, way: str, mark: str) -> pl.Series:
    """The part of each text that stands on one side of a mark.

    Args:
        texts: String.
        way: `before` or `after` the first such mark, `before_last` or `after_last` the last.
        mark: the text at which it is cut.

    Returns:
        Where there is no mark, all of the text is before it, and nothing after it.
    """
    until_mark = "(.*)" if way.endswith("_last") else "(.*?)"
    groups = texts.str.extract_groups(f"(?s)^{until_mark}{re.escape(mark)}(.*)$").struct.unnest()
    before, after = groups.get_columns()
    part = before.fill_null(texts) if way.startswith("before") else after
    return part.str.strip_chars()
