"""How a column of texts writes numbers and durations, and in which unit.

What lives here: decimal signs, clock-like durations, units from headers and from sizes.
What does not: reading (`sources.numbers`), the table of units (`sources.units`).
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from ev_pipeline.sources.draft.headers import words_of
from ev_pipeline.sources.draft.number_styles import style_in
from ev_pipeline.sources.durations import read_durations_h
from ev_pipeline.sources.numbers import NumberStyle, plain_numbers
from ev_pipeline.sources.units import units_of

_DURATIONS: Final = (
    *("h:mm:ss", "h:mm", "mm:ss", "h'h' mm'm' ss's'", "h'h' mm'm'", "mm'm' ss's'"),
    *("h'h' mm'min'", "h'h' mm", "h 'Std.' mm 'Min.'", "h 'hr' mm 'min'", "d.hh:mm:ss"),
    *("'PT'h'H'mm'M'ss'S'", "'PT'h'H'mm'M'"),
)
"""Forms that are tried; where they have a blank, there need be none."""

_READ_SHARE: Final = 0.9
"""So much of a column must be a number; the rest is a marker, or a fault."""

_NUMBER: Final = r"^[-+]?\d*[.]?\d+(?:[eE][-+]?\d+)?$"

_UNITS: Final[dict[str, dict[str, str]]] = {
    "_kwh": {"kwh": "kWh", "wh": "Wh", "mwh": "MWh", "kj": "kJ", "mj": "MJ"},
    "_kw": {"kw": "kW", "w": "W", "watt": "W", "mw": "MW"},
    "_km": {"km": "km", "miles": "miles", "mi": "miles", "m": "m"},
    "_c": {"c": "C", "celsius": "C", "f": "F", "fahrenheit": "F"},
    "_years": {"years": "years", "months": "months"},
    "_percent": {"percent": "%", "fraction": "fraction"},
    "_h": {
        **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "stunden", "std", "heures"), "h"),
        **dict.fromkeys(("horas", "ore", "uren", "uur"), "h"),
        **dict.fromkeys(("min", "mins", "minute", "minutes", "minuten", "minutos"), "min"),
        **dict.fromkeys(("minuti", "minuut"), "min"),
        **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sekunden"), "s"),
        **dict.fromkeys(("secondes", "segundos", "secondi", "seconden"), "s"),
        "ms": "ms",
    },
}
"""Words of headers that are units, by the ending of the field's name."""

_SIZES: Final[dict[str, tuple[tuple[float, str], ...]]] = {
    "_kwh": ((400.0, "Wh"), (0.0, "kWh")),
    "_kw": ((1000.0, "W"), (0.0, "kW")),
    "_percent": ((1.01, "%"), (0.0, "fraction")),
    "_h": ((600.0, "s"), (12.0, "min"), (0.0, "h")),
}
"""Units by the middle value, where the header names none: above the limit it is that unit."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """How a column writes numbers.

    Args:
        decimal: its decimal sign; null where it has only whole numbers.
        thousands: what stands between groups of three digits; empty for nothing.
        beside: currency signs or units that stand before or after a number.
        middle: the median.
        unread: texts that are no number.
    """

    decimal: str | None
    thousands: str
    beside: tuple[str, ...]
    middle: float
    unread: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of a column.

    Args:
        name: as a mapping names it.
        why: what told.
        is_sure: whether the header did.
        is_own: whether it is the field's own unit.
    """

    name: str
    why: str
    is_sure: bool
    is_own: bool


def numbers_in(texts: pl.Series) -> Numbers | None:
    """How the texts write numbers; null if they do not."""
    present = texts.drop_nulls()
    if present.is_empty() or present.str.contains(r"\d").sum() < _READ_SHARE * len(present):
        return None
    style = style_in(present)
    plain = plain_numbers(present, style or NumberStyle())
    is_number = plain.str.contains(_NUMBER).fill_null(value=False)
    if is_number.sum() < _READ_SHARE * len(present):
        return None
    middle = plain.filter(is_number).cast(pl.Float64, strict=False).median()
    signs = present.filter(is_number).str.contains("[.,]").any()
    return Numbers(
        decimal=style.decimal if style is not None and signs else None,
        thousands=style.thousands if style is not None else "",
        beside=style.beside if style is not None else (),
        middle=middle if isinstance(middle, float) else 0.0,
        unread=tuple(present.filter(~is_number).unique(maintain_order=True)),
    )


def duration_format(texts: pl.Series) -> str | None:
    """The clock-like form in which the texts write durations; null if there is none."""
    present = texts.drop_nulls()
    for name in _DURATIONS:
        n_read = read_durations_h(present, (name,)).is_not_null().sum()
        if len(present) and n_read >= _READ_SHARE * len(present):
            return name
    return None


def unit_of(header: str, field: str, numbers: Numbers) -> Unit | None:
    """The unit in which a column states a field; null where the field has none."""
    ending = next((ending for ending in _UNITS if field.endswith(ending)), None)
    if ending is None:
        return None
    own = next(iter(units_of(field)))
    for word in reversed(words_of(header.replace("%", " percent "))):
        if name := _UNITS[ending].get(word):
            return Unit(name, "the header says so", is_sure=True, is_own=name == own)
    for text in numbers.beside:
        for word in words_of(text.replace("%", " percent ")):
            if name := _UNITS[ending].get(word):
                return Unit(name, "it stands beside the number", is_sure=True, is_own=name == own)
    for limit, name in _SIZES.get(ending, ()):
        if numbers.middle >= limit:
            why = f"the header names no unit; the middle value is {numbers.middle:g}"
            return Unit(name, why, is_sure=False, is_own=name == own)
    return None
