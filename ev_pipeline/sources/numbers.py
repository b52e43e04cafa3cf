"""Columns of numbers and durations as texts, read in the unit of their field.

What lives here: decimal signs, units and duration formats, put together.
What does not: the table of units (`units`), the formats of durations (`durations`).
"""

import polars as pl

from ev_pipeline.sources.cells import finite, where
from ev_pipeline.sources.durations import read_durations_h
from ev_pipeline.sources.units import units_of


def read_numbers(
    texts: pl.Series,
    field: str,
    *,
    decimal: str,
    unit: str | None,
    duration_format: str | None,
) -> pl.Series:
    """The numbers in the field's unit.

    Args:
        texts: String; null where there is no number.
        field: the field that they are for; its name's ending states its unit.
        decimal: the decimal sign; a number written with the other one is not read.
        unit: the unit that they are stated in; the field's own if null.
        duration_format: how durations are written; plain numbers if null.

    Returns:
        Float64, finite; null where a text is no such number.
    """
    if duration_format is not None:
        return read_durations_h(texts, duration_format)
    if decimal == ",":
        plain = where(~texts.str.contains(".", literal=True), texts)
        texts = plain.str.replace(",", ".", literal=True)
    numbers = texts.cast(pl.Float64, strict=False)
    if unit is not None:
        numbers = units_of(field)[unit].apply(numbers)
    return finite(numbers)
