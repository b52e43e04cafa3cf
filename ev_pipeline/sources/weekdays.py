"""Columns of weekdays as texts, read as numbers.

What lives here: how sources name weekdays. What does not: comparing them with dates
(`domain.validation`).
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

_ENGLISH: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""How English names of weekdays begin, Monday first."""


def read_weekdays(texts: pl.Series, names: Sequence[str]) -> pl.Series:
    """The weekdays as Int8, Monday is 1; null where a text is none.

    Args:
        texts: String.
        names: how the source writes them, Monday first; empty for English names.
    """
    if not names:
        texts = texts.str.to_lowercase().str.slice(0, len(_ENGLISH[0]))
    numbers = {str(number): number for number in range(1, 8)}
    numbers |= {name: number for number, name in enumerate(names or _ENGLISH, start=1)}
    return texts.replace_strict(numbers, default=None, return_dtype=pl.Int8)
