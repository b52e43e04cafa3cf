"""Columns of numbers and durations as texts, read in the unit of their field.

What lives here: how a source writes numbers, and units and duration formats put together.
What does not: the table of units (`units`), the formats of durations (`durations`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from ev_pipeline.sources.cells import finite, where
from ev_pipeline.sources.durations import read_durations_h
from ev_pipeline.sources.units import units_of

_LOOKALIKES: Final = {
    "": "",
    ".": ".",
    ",": ",",
    "'": "'\u2019",
    " ": " \u00a0\u2009\u202f",
}
"""Thousands separators by how a mapping names them: the apostrophe that word processors write, and
blanks at which no line ends, look the same to a person."""


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """How numbers are written.

    Args:
        decimal: the decimal sign; a number written with the other one is not read.
        thousands: what stands between groups of three digits, as a mapping names it.
        beside: texts, such as a currency's sign or a unit, of which one may stand before or after
            the number.
    """

    decimal: str = "."
    thousands: str = ""
    beside: tuple[str, ...] = ()


def read_numbers(
    texts: pl.Series,
    field: str,
    *,
    style: NumberStyle,
    unit: str | None,
    durations: Sequence[str] = (),
) -> pl.Series:
    """The numbers in the field's unit.

    Args:
        texts: String; null where there is no number.
        field: the field that they are for; its name's ending states its unit.
        style: how they are written.
        unit: the unit that they are stated in; the field's own if null.
        durations: formats of durations; plain numbers if there are none.

    Returns:
        Float64, finite; null where a text is no such number.
    """
    if durations:
        return read_durations_h(texts, durations)
    return in_unit(plain_numbers(texts, style).cast(pl.Float64, strict=False), field, unit)


def in_unit(numbers: pl.Series, field: str, unit: str | None) -> pl.Series:
    """Numbers in a unit as finite numbers in the field's."""
    if unit is not None:
        numbers = units_of(field)[unit].apply(numbers)
    return finite(numbers)


def plain_numbers(texts: pl.Series, style: NumberStyle) -> pl.Series:
    """The numbers with a decimal point and nothing else; null where the style does not fit."""
    if style.beside:
        texts = _bare(texts, style.beside)
    if style.thousands:
        texts = _ungrouped(texts, style)
    if style.decimal == ",":
        plain = where(~texts.str.contains(".", literal=True), texts)
        texts = plain.str.replace(",", ".", literal=True)
    return texts


def _bare(texts: pl.Series, beside: tuple[str, ...]) -> pl.Series:
    """The texts without the one of `beside` that stands before or after the number."""
    known = "|".join(re.escape(text) for text in sorted(beside, key=len, reverse=True))
    before = rf"^([-+]?)\s*(?:{known})\s*"
    is_before = texts.str.contains(before)
    return texts.str.replace(before, "${1}").zip_with(
        is_before, texts.str.replace(rf"\s*(?:{known})$", "")
    )


def _ungrouped(texts: pl.Series, style: NumberStyle) -> pl.Series:
    """The texts without separators between groups of three; null where one stands elsewhere."""
    mark, decimal = f"[{_LOOKALIKES[style.thousands]}]", re.escape(style.decimal)
    is_grouped = texts.str.contains(rf"^[-+]?\d{{1,3}}(?:{mark}\d{{3}})+(?:{decimal}\d+)?$")
    return where(is_grouped | ~texts.str.contains(mark), texts).str.replace_all(mark, "")
