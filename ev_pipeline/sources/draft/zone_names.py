"""Texts that name time zones.

What lives here: abbreviations and what they mean. What does not: IANA names (`sources.zones`).
"""

from typing import Final

import polars as pl

from ev_pipeline.sources.zones import known_zones, offset_us, station_zones

_ABBREVIATIONS: Final[dict[str, tuple[str, str]]] = {
    "EST": ("-05:00", "America/New_York"),
    "EDT": ("-04:00", "America/New_York"),
    "CST": ("-06:00", "America/Chicago"),
    "CDT": ("-05:00", "America/Chicago"),
    "MST": ("-07:00", "America/Denver"),
    "MDT": ("-06:00", "America/Denver"),
    "PST": ("-08:00", "America/Los_Angeles"),
    "PDT": ("-07:00", "America/Los_Angeles"),
    "GMT": ("+00:00", "Europe/London"),
    "BST": ("+01:00", "Europe/London"),
    "CET": ("+01:00", "Europe/Berlin"),
    "CEST": ("+02:00", "Europe/Berlin"),
    "MEZ": ("+01:00", "Europe/Berlin"),
    "MESZ": ("+02:00", "Europe/Berlin"),
    "WET": ("+00:00", "Europe/Lisbon"),
    "WEST": ("+01:00", "Europe/Lisbon"),
    "UTC": ("+00:00", "UTC"),
}
"""By abbreviation, its offset from UTC and a place whose clock shows it."""


def are_zones(texts: pl.Series) -> bool:
    """Whether every text names a zone or an offset."""
    names = texts.drop_nulls().unique().to_list()
    return bool(names) and all(
        name in _ABBREVIATIONS or name in known_zones() or offset_us(name) is not None
        for name in names
    )


def are_places(texts: pl.Series) -> bool:
    """Whether every text is a zone that a station may have."""
    return set(texts.drop_nulls().unique()) <= station_zones()


def offsets(texts: pl.Series) -> dict[str, str]:
    """The offsets of the abbreviations among the texts; a second season's too."""
    found = {name for name in texts.drop_nulls().unique() if name in _ABBREVIATIONS}
    places = {_ABBREVIATIONS[name][1] for name in found}
    return {
        name: offset
        for name, (offset, place) in _ABBREVIATIONS.items()
        if name in found or (place in places and place != "UTC")
    }


def place_of(texts: pl.Series) -> str | None:
    """The place whose clock most of the texts show; null where none is known."""
    names = texts.drop_nulls().value_counts(sort=True)[texts.name].to_list()
    for name in names:
        if name in station_zones():
            return str(name)
        if name in _ABBREVIATIONS:
            return _ABBREVIATIONS[name][1]
    return None
