"""The texts of a batch of raw records: trimmed, with missing markers taken out.

What lives here: from columns and paths to texts. What does not: what the texts mean (`decode`).
"""

from collections.abc import Sequence
from math import inf

import polars as pl

from ev_pipeline.sources.fields import Source


def where(mask: pl.Series, values: pl.Series) -> pl.Series:
    """The values where the mask holds, else null."""
    # A kernel of its own: an expression costs more than a small batch's whole column.
    return values.zip_with(mask, pl.Series([None], dtype=values.dtype))


def finite(numbers: pl.Series) -> pl.Series:
    """The numbers that are finite, else null."""
    return where((numbers > -inf) & (numbers < inf), numbers)


def constant(value: object, dtype: pl.DataType, height: int) -> pl.Series:
    """The same value for every record."""
    return pl.Series([value], dtype=dtype).new_from_index(0, height)


class Cells:
    """The texts of a batch.

    Args:
        raw: String columns, named as the source names them.
        missing: texts that mean "no value" in every column.
    """

    def __init__(self, raw: pl.DataFrame, missing: Sequence[str]) -> None:
        self._trimmed = raw.select(pl.all().str.strip_chars())
        self._height = raw.height
        self._missing = tuple(missing)

    @property
    def height(self) -> int:
        """How many records there are."""
        return self._height

    def column(self, name: str, missing: Sequence[str] = ()) -> pl.Series:
        """A column's texts; null where empty or missing, and where there is no such column."""
        if name not in self._trimmed.columns:
            return constant(None, pl.String(), self.height)
        return self._present(self._trimmed[name], missing)

    def texts(self, source: Source) -> pl.Series:
        """The texts of a source's column, or of its columns joined by one space."""
        if source.column is not None:
            return self.column(source.column, source.missing)
        parts = [self.column(name).fill_null("") for name in source.columns]
        joined = pl.select(pl.concat_str(parts, separator=" ").str.strip_chars()).to_series()
        return self._present(joined, source.missing)

    def _present(self, texts: pl.Series, missing: Sequence[str]) -> pl.Series:
        is_present = texts != ""
        for marker in (*self._missing, *missing):
            is_present &= texts != marker
        return where(is_present, texts)
