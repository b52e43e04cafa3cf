"""Durations as sources write them: h:mm:ss, h:mm.

What lives here: reading a column of such texts as hours.
What does not: durations that are plain numbers (`units`).
"""

from typing import Final

import polars as pl

_CLOCK_PATTERNS: Final = {
    "h:mm:ss": r"^(\d{1,6}):([0-5]?\d):([0-5]?\d(?:\.\d{1,9})?)$",
    "h:mm": r"^(\d{1,6}):([0-5]?\d)()$",
    "mm:ss": r"^()(\d{1,8}):([0-5]?\d(?:\.\d{1,9})?)$",
}

DURATION_FORMATS: Final = tuple(_CLOCK_PATTERNS)
"""The duration formats that a mapping can name; hours may exceed 24."""


def read_durations_h(texts: pl.Series, duration_format: str) -> pl.Series:
    """The durations in hours; null where a text is null or does not have the format."""
    groups = texts.str.extract_groups(_CLOCK_PATTERNS[duration_format]).struct.fields
    parts = texts.str.extract_groups(_CLOCK_PATTERNS[duration_format]).struct.unnest()
    hours, minutes, seconds = (_number_or_zero(parts[name]) for name in groups)
    return (hours * 3600.0 + minutes * 60.0 + seconds) / 3600.0


def _number_or_zero(part: pl.Series) -> pl.Series:
    """A group as a number; an empty group is 0, a group that did not match stays null."""
    return part.replace("", "0").cast(pl.Float64)
