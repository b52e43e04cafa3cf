"""How sources write times: the formats that a mapping can name, and their readers' patterns.

What lives here: the letters of a time format, and the names of the standard formats.
What does not: reading a column of times (`times`).
"""

import re
from typing import Final

ISO: Final = "iso"
"""ISO 8601, with or without an offset."""

RFC1123: Final = "rfc1123"
"""As in HTTP and ACN-Data: `Wed, 25 Apr 2018 11:08:04 GMT`."""

EPOCH_UNITS_US: Final = {"epoch_s": 1_000_000, "epoch_ms": 1_000}
"""µs in one unit of a time that is counted from 1970-01-01T00:00Z."""

STANDARD_FORMATS: Final = (ISO, RFC1123, *EPOCH_UNITS_US)
"""Formats that have a name."""

_LETTERS: Final = {
    "yyyy": "%Y",
    "yy": "%y",
    "mon": "%b",
    "mm": "%m",
    "m": "%m",
    "dd": "%d",
    "d": "%d",
    "HH": "%H",
    "H": "%H",
    "hh": "%I",
    "h": "%I",
    "MM": "%M",
    "SS": "%S",
    ".f": "%.f",
    "AM": "%p",
}
"""Letters of a format (small for the date, capital for the 24-hour clock) in strptime's terms."""

_MONTH_NAME: Final = "mon"
"""A month by its name; a full stop after it is passed over in the format and in the text."""

_TOKEN: Final = re.compile("|".join(map(re.escape, sorted(_LETTERS, key=len, reverse=True))))
_WORD: Final = re.compile(r"[A-Za-z%]")
_QUOTED: Final = re.compile(r"'([^']*)'")
"""Text that stands in the time itself."""

_ANY_DATE: Final = "yyyy-mm-dd "
"""What makes a time of a clock."""


def strptime_pattern(time_format: str) -> str:
    """The strptime pattern of a format made of letters.

    Raises:
        ValueError: a letter means nothing, or the format lacks a date or a time of day.
    """
    bare = time_format.replace(f"{_MONTH_NAME}.", _MONTH_NAME)
    parts = _QUOTED.split(bare)
    letters = " ".join(parts[::2])
    rest = _TOKEN.sub("", letters).replace("T", "")
    unknown = _WORD.search(rest)
    if unknown:
        raise ValueError(
            f"{unknown.group()!r} in the format {time_format!r} means nothing; write it with "
            "yyyy mm dd HH MM SS (mon for Apr, hh and AM for a 12-hour clock), what stands in the "
            f"time itself between apostrophes, or one of {', '.join(STANDARD_FORMATS)}"
        )
    tokens = {_LETTERS[token] for token in _TOKEN.findall(letters)}
    if tokens >= {"%H", "%I"}:
        raise ValueError(
            f"the format {time_format!r} has the hour twice; write an h that stands in the time "
            "itself between apostrophes: HH'h'MM"
        )
    has_year = bool(tokens & {"%Y", "%y"})
    has_hour = "%H" in tokens or {"%I", "%p"} <= tokens
    if not (has_year and has_hour and tokens & {"%m", "%b"} and {"%d", "%M"} <= tokens):
        raise ValueError(
            f"the format {time_format!r} lacks a part; a time needs year, month, day, hour and "
            'minute, such as "dd/mm/yyyy HH:MM"'
        )
    parts[::2] = [_TOKEN.sub(lambda token: _LETTERS[token.group()], part) for part in parts[::2]]
    parts[1::2] = [part.replace("%", "%%") for part in parts[1::2]]
    return "".join(parts)


def names_months(time_format: str) -> bool:
    """Whether a time in the format has its month by name."""
    return _MONTH_NAME in _QUOTED.sub("", time_format)


def with_date(clock_format: str) -> str:
    """The format of a time whose date `yyyy-mm-dd` stands before a clock in that format."""
    return _ANY_DATE + clock_format


def check_time_format(time_format: str) -> str:
    """The format, known to be one of a time.

    Raises:
        ValueError: it is not.
    """
    if time_format not in STANDARD_FORMATS:
        strptime_pattern(time_format)
    return time_format


def check_clock_format(clock_format: str) -> str:
    """The format, known to be one of a clock without a date.

    Raises:
        ValueError: it is not.
    """
    tokens = {*_TOKEN.findall(_QUOTED.sub("", clock_format))}
    if tokens & {"yyyy", "yy", "mon", "mm", "m", "dd", "d"} or clock_format in STANDARD_FORMATS:
        raise ValueError(
            f"the format {clock_format!r} is not one of a clock alone; write it like HH:MM"
        )
    strptime_pattern(with_date(clock_format))
    return clock_format
