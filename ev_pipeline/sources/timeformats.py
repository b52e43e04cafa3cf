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

_TOKEN: Final = re.compile("|".join(map(re.escape, sorted(_LETTERS, key=len, reverse=True))))
_WORD: Final = re.compile(r"[A-Za-z%]")


def strptime_pattern(time_format: str) -> str:
    """The strptime pattern of a format made of letters.

    Raises:
        ValueError: a letter means nothing, or the format lacks a date or a time of day.
    """
    rest = _TOKEN.sub("", time_format).replace("T", "")
    unknown = _WORD.search(rest)
    if unknown:
        raise ValueError(
            f"{unknown.group()!r} in the format {time_format!r} means nothing; write it with "
            "yyyy mm dd HH MM SS (mon for Apr, hh and AM for a 12-hour clock), or one of "
            f"{', '.join(STANDARD_FORMATS)}"
        )
    tokens = {_LETTERS[token] for token in _TOKEN.findall(time_format)}
    has_year = bool(tokens & {"%Y", "%y"})
    has_hour = "%H" in tokens or {"%I", "%p"} <= tokens
    if not (has_year and has_hour and tokens & {"%m", "%b"} and {"%d", "%M"} <= tokens):
        raise ValueError(
            f"the format {time_format!r} lacks a part; a time needs year, month, day, hour and "
            'minute, such as "dd/mm/yyyy HH:MM"'
        )
    return _TOKEN.sub(lambda token: _LETTERS[token.group()], time_format)


def check_time_format(time_format: str) -> str:
    """The format, known to be readable (time or duration).

    Raises:
        ValueError: it is not.
    """
    if time_format not in STANDARD_FORMATS and not time_format.startswith(("h:", "mm:")):
        strptime_pattern(time_format)
    return time_format
