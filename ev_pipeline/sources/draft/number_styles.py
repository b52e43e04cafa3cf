"""How a column of texts writes numbers: signs between digits, and texts beside them.

What lives here: finding the style in which nearly all of the texts are numbers.
What does not: reading (`sources.numbers`), units and sizes (`quantities`).
"""

import re
from typing import Final

import polars as pl

from ev_pipeline.sources.numbers import NumberStyle

CURRENCIES: Final = {
    "€": "EUR",
    "£": "GBP",
    "$": "USD",
    "US$": "USD",
    "zł": "PLN",
    "Kč": "CZK",
    "Fr.": "CHF",
    **dict.fromkeys(("eur", "euro", "euros"), "EUR"),
    **dict.fromkeys(("gbp", "pound", "pounds"), "GBP"),
    **dict.fromkeys(("usd", "dollar", "dollars"), "USD"),
    **{code: code.upper() for code in ("chf", "sek", "nok", "dkk", "pln", "czk", "cad", "aud")},
}
"""What stands for a currency in a header's words (small letters) or beside a number."""

_UNITS: Final = (
    *("kWh", "kwh", "KWH", "Wh", "MWh", "kW", "KW", "W", "km", "mi", "miles", "%", "°C", "°F"),
    *("h", "hr", "hrs", "hours", "min", "mins", "min.", "minutes", "s", "sec", "kr", "kr."),
)
"""What may stand after a number beside currencies; `C` or `m` might be part of an id."""

_SPELLINGS: Final = {spelt for name in CURRENCIES for spelt in (name, name.upper(), name.title())}


def _one_of(texts: set[str]) -> str:
    return "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))


_AROUND: Final = (
    rf"^(?<before>{_one_of(_SPELLINGS)})?\s*[-+]?[\d.,][\d.,'\u2019\s]*(?:[eE][-+]?\d+)?"
    rf"(?<after>{_one_of(_SPELLINGS | {*_UNITS})})?$"
)

_GROUPED: Final = {
    ",": r"^[-+]?\d{1,3}(?:(?:,\d{3})+\.\d+|(?:,\d{3}){2,})$",
    ".": r"^[-+]?\d{1,3}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})$",
    "'": r"^[-+]?\d{1,3}(?:['\u2019]\d{3})+(?:[.,]\d+)?$",
    " ": r"^[-+]?\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+(?:[.,]\d+)?$",
}
"""Numbers that have the thousands separator for certain: 1.234 alone may be a little over one."""


def beside_numbers(texts: pl.Series) -> tuple[str, ...]:
    """The signs and units that stand before or after numbers in the texts."""
    parts = texts.str.extract_groups(_AROUND).struct.unnest()
    found = pl.concat([parts["before"], parts["after"]]).drop_nulls().unique(maintain_order=True)
    return tuple(text for text in found if text)


def style_in(texts: pl.Series) -> NumberStyle | None:
    """The style of the texts that have any sign or unit; null where they are whole numbers.

    Args:
        texts: String, without null.
    """
    beside = beside_numbers(texts)
    known = _one_of({*beside})
    bare = texts.str.replace_all(rf"^(?:{known})\s*|\s*(?:{known})$", "") if beside else texts
    counts = {mark: int(bare.str.contains(form).sum()) for mark, form in _GROUPED.items()}
    thousands = max(counts, key=lambda mark: counts[mark])
    thousands = thousands if counts[thousands] else ""
    if thousands in (",", "."):
        return NumberStyle("." if thousands == "," else ",", thousands, beside)
    n_commas = int(bare.str.contains(",", literal=True).sum())
    n_points = int(bare.str.contains(".", literal=True).sum())
    if not (n_commas or n_points or thousands or beside):
        return None
    return NumberStyle("," if n_commas > n_points else ".", thousands, beside)
