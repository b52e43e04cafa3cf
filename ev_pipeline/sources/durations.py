"""Durations as sources write them: 2:39:25, 2h 39m, 45 min.

What lives here: the letters of a duration's format, and reading a column of such texts as hours.
What does not: durations that are plain numbers (`units`).
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

import polars as pl

_SECONDS: Final = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
"""s in one of what a letter counts, the largest first."""

_WITHIN: Final = {"h": "2[0-3]|[01]?[0-9]", "m": "[0-5]?[0-9]", "s": "[0-5]?[0-9]"}
"""What a letter counts behind a larger one; the first one of a format may be as large as it is."""

_ANY: Final = "[0-9]{1,8}"
_FRACTION: Final = r"(?:\.[0-9]{1,9})?"
"""Only seconds have one."""

_TOKEN: Final = re.compile(r"dd?|hh?|mm?|ss?|'([^']*)'|([A-Za-z'])|(\s+)|(.)")

EXAMPLES: Final = ("h:mm:ss", "h:mm", "mm:ss", "h'h' mm'm' ss's'")
"""Formats that show how one is written."""


@cache
def _pattern(duration_format: str) -> tuple[str, str]:
    """The format's regular expression, and what its groups count.

    Raises:
        ValueError: it is no format of a duration.
    """
    pattern, letters = "", ""
    for token in _TOKEN.finditer(duration_format):
        text, (quoted, unknown, blank, mark) = token.group(), token.groups()
        if unknown:
            raise ValueError(
                f"{unknown!r} in the duration format {duration_format!r} means nothing; write it "
                "with d h mm ss, and what stands in the duration itself between apostrophes, as "
                f"in {' or '.join(EXAMPLES)}"
            )
        if quoted is not None or mark:
            pattern += re.escape(mark or quoted)
        elif blank:
            pattern += r"\s*"
        else:
            letter = text[0]
            number = _WITHIN[letter] if letters else _ANY
            pattern += f"({number})" if letter != "s" else f"((?:{number}){_FRACTION})"
            letters += letter
    if not letters or list(letters) != [letter for letter in _SECONDS if letter in letters]:
        raise ValueError(
            f"the duration format {duration_format!r} needs days, hours, minutes or seconds, each "
            f"once and the largest first, as in {' or '.join(EXAMPLES)}"
        )
    return f"^{pattern}$", letters


def check_duration_format(duration_format: str) -> str:
    """The format, known to be one of a duration.

    Raises:
        ValueError: it is not.
    """
    _pattern(duration_format)
    return duration_format


def read_durations_h(texts: pl.Series, formats: Iterable[str]) -> pl.Series:
    """The durations in hours; null where a text is null or has none of the formats.

    Args:
        texts: String.
        formats: of durations; the first one that reads a text wins.
    """
    hours = pl.Series(texts.name, [None], dtype=pl.Float64).new_from_index(0, len(texts))
    for name in formats:
        hours = hours.zip_with(hours.is_not_null(), _read(texts, name))
        if hours.null_count() == texts.null_count():
            break
    return hours


def _read(texts: pl.Series, duration_format: str) -> pl.Series:
    pattern, letters = _pattern(duration_format)
    groups = texts.str.extract_groups(pattern).struct.unnest().get_columns()
    parts = [
        group.cast(pl.Float64) * _SECONDS[letter]
        for group, letter in zip(groups, letters, strict=True)
    ]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total / _SECONDS["h"]
