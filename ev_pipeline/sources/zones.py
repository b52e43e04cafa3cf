"""Names of clocks: IANA zones, and offsets from UTC.

What lives here: which names are known, and which of them a station may have.
What does not: reading times on such clocks (`times`).
"""

import re
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from ev_pipeline.settings import ABBREVIATED_ZONES

_OFFSET: Final = re.compile(r"([+-])(\d{2}):([0-5]\d)")

_NOT_PLACES: Final = frozenset({"Factory", "localtime", "posixrules"})
"""Files of a zone database that stand for no place, so that not every reader knows them."""

_US_PER_MINUTE: Final = 60_000_000
"""µs in a minute."""


@cache
def known_zones() -> frozenset[str]:
    """Every IANA zone."""
    return frozenset(available_timezones() - _NOT_PLACES)


@cache
def station_zones() -> frozenset[str]:
    """The zones that every program reads alike, so that a station's clock is one clock."""
    return known_zones() - ABBREVIATED_ZONES


def offset_us(text: str) -> int | None:
    """An offset like `-07:00` in µs; null if the text is none."""
    parts = _OFFSET.fullmatch(text)
    if not parts:
        return None
    minutes = int(parts.group(2)) * 60 + int(parts.group(3))
    return (-minutes if parts.group(1) == "-" else minutes) * _US_PER_MINUTE
