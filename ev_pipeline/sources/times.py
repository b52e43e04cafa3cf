"""Columns of times as texts, read as moments in UTC.

What lives here: reading the formats of `timeformats`, and local clocks with their two readings in
the hour that exists twice. What does not: choosing between the two (`domain.localtime`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from ev_pipeline.sources.cells import constant, where
from ev_pipeline.sources.month_names import with_english_months
from ev_pipeline.sources.timeformats import (
    EPOCH_UNITS_US,
    ISO,
    RFC1123,
    names_months,
    strptime_pattern,
)
from ev_pipeline.sources.zones import known_zones, offset_us

_YEARS: Final = (2, 9998)
"""First and last year kept: Python and PostgreSQL hold them in every zone."""

_LOCAL: Final = pl.Datetime("us")
_MOMENT: Final = pl.Datetime("us", "UTC")

_OFFSET_FORMATS: Final = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z")
_PLAIN_FORMATS: Final = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")


@dataclass(frozen=True, slots=True)
class WrittenTimes:
    """Times as they are written: each is a moment, or a reading of some local clock, or null.

    Args:
        moments: Datetime(us, UTC); where the text carries an offset.
        clocks: Datetime(us); where it does not.
    """

    moments: pl.Series
    clocks: pl.Series


@dataclass(frozen=True, slots=True)
class Moments:
    """Times in UTC.

    Args:
        earlier: Datetime(us, UTC); the earlier reading where there are two.
        later: Datetime(us, UTC); the later reading where there are two, else null.
    """

    earlier: pl.Series
    later: pl.Series


def read_written(texts: pl.Series, formats: tuple[str, ...], *, add_years: int) -> WrittenTimes:
    """The times that the texts state; the first format that reads a text wins.

    Args:
        texts: String; null where there is no time.
        formats: formats of `timeformats`.
        add_years: added to every year.

    Returns:
        Null in both series where no format reads the text.
    """
    moments, clocks = _nulls(texts, _MOMENT), _nulls(texts, _LOCAL)
    unread = texts
    for attempt in chain.from_iterable(map(_attempts, formats)):
        if unread.null_count() == len(unread):
            break
        read = attempt(unread)
        if read.dtype == _MOMENT:
            moments = _first_of(moments, read)
        else:
            clocks = _first_of(clocks, read)
        if read.null_count() == unread.null_count():
            break
        unread = where(read.is_null(), unread)
    return WrittenTimes(in_years(moments, add_years), in_years(clocks, add_years))


def to_moments(
    written: WrittenTimes,
    *,
    zone: str | None,
    zone_texts: pl.Series | None = None,
    zones: Mapping[str, str] | None = None,
) -> Moments:
    """The moments that the times mean.

    Args:
        written: times as written.
        zone: IANA zone of the clock; a clock time without any zone stays null.
        zone_texts: String; the zone that the source states for each, which wins over `zone`.
        zones: what these texts mean: an offset like `-07:00`, or an IANA zone.

    Returns:
        Clock times that do not exist are moved on by the gap.
    """
    clocks = written.clocks
    earlier, later = written.moments, _nulls(clocks, _MOMENT)
    if clocks.null_count() == len(clocks):
        return Moments(earlier, later)
    rest = clocks
    if zone_texts is not None:
        stated, rest = _in_stated_zones(clocks, zone_texts, zones or {})
        earlier = earlier.zip_with(earlier.is_not_null(), stated.earlier)
        later = stated.later
    if zone is not None:
        told = _in_zone(rest, zone)
        earlier = earlier.zip_with(earlier.is_not_null(), told.earlier)
        later = later.zip_with(later.is_not_null(), told.later)
    return Moments(earlier, later)


def _first_of(times: pl.Series, others: pl.Series) -> pl.Series:
    """The times, and the others where there are none."""
    if times.null_count() == len(times):
        return others
    return times.zip_with(times.is_not_null(), others)


def _nulls(like: pl.Series, dtype: pl.DataType) -> pl.Series:
    return constant(None, dtype, len(like))


def in_years(times: pl.Series, add_years: int = 0) -> pl.Series:
    """The times with the years added, null outside the years that we keep."""
    if times.null_count() == len(times):
        return times
    if add_years:
        years = times.dt.year().is_between(1, 9999 - add_years)
        times = where(years, times).dt.offset_by(f"{add_years}y")
    zone = UTC if times.dtype == _MOMENT else None
    first, after = (
        datetime(_YEARS[0], 1, 1, tzinfo=zone),
        datetime(_YEARS[1] + 1, 1, 1, tzinfo=zone),
    )
    return where((times >= first) & (times < after), times)


def _attempts(time_format: str) -> list[Callable[[pl.Series], pl.Series]]:
    """What reads a format: functions from texts to moments or clock times, null where unread."""
    if time_format in EPOCH_UNITS_US:
        return [lambda texts: _epoch(texts, EPOCH_UNITS_US[time_format])]
    if time_format == ISO:
        usual = partial(_moments, pattern=_OFFSET_FORMATS[0])
        moments = [_as_moments(pattern) for pattern in _OFFSET_FORMATS]
        return [usual, *moments, *(_as_clocks(pattern) for pattern in _PLAIN_FORMATS)]
    if time_format == RFC1123:
        return [_rfc1123]
    read = _strptime(strptime_pattern(time_format))
    if names_months(time_format):
        return [lambda texts: read(with_english_months(texts))]
    return [read]


def _strptime(pattern: str) -> Callable[[pl.Series], pl.Series]:
    return lambda texts: texts.str.to_datetime(pattern, time_unit="us", strict=False)


def _as_clocks(pattern: str) -> Callable[[pl.Series], pl.Series]:
    return lambda texts: _with_t(texts).str.to_datetime(pattern, time_unit="us", strict=False)


def _as_moments(pattern: str) -> Callable[[pl.Series], pl.Series]:
    return lambda texts: _moments(_with_t(texts), pattern)


def _moments(texts: pl.Series, pattern: str) -> pl.Series:
    return texts.str.to_datetime(pattern, time_unit="us", time_zone="UTC", strict=False)


def _with_t(texts: pl.Series) -> pl.Series:
    """ISO 8601 with its T, where a space or a small t stands for it."""
    return texts.str.replace(r"^(\S{10})[ t]", "${1}T")


def _rfc1123(texts: pl.Series) -> pl.Series:
    clocks = texts.str.to_datetime("%a, %d %b %Y %H:%M:%S GMT", time_unit="us", strict=False)
    return clocks.dt.replace_time_zone("UTC")


def _epoch(texts: pl.Series, unit_us: int) -> pl.Series:
    counted = texts.cast(pl.Float64, strict=False) * unit_us
    limit_us = datetime(_YEARS[1], 1, 1, tzinfo=UTC).timestamp() * 1e6
    sound = counted.is_finite() & (counted.abs() < limit_us)
    return where(sound, counted).round().cast(pl.Int64).cast(_MOMENT)


def _in_zone(clocks: pl.Series, zone: str) -> Moments:
    """Both readings of clock times in one IANA zone."""
    earlier, later = (
        clocks.dt.replace_time_zone(
            zone, ambiguous=choice, non_existent="null"
        ).dt.convert_time_zone("UTC")
        for choice in ("earliest", "latest")
    )
    skipped = clocks.is_not_null() & earlier.is_null()
    if skipped.any():
        moved = _moved_on(where(skipped, clocks), ZoneInfo(zone))
        earlier = earlier.zip_with(~skipped, moved)
    return Moments(earlier, where(later > earlier, later))


def _moved_on(clocks: pl.Series, zone: ZoneInfo) -> pl.Series:
    """Clock times in a gap, read with the offset from before it, so that they move on by it."""
    distinct = clocks.drop_nulls().unique()
    moments = [clock.replace(tzinfo=zone).astimezone(UTC) for clock in distinct]
    return clocks.replace_strict(
        distinct, pl.Series(moments, dtype=_MOMENT), default=None, return_dtype=_MOMENT
    )


def _in_stated_zones(
    clocks: pl.Series, zone_texts: pl.Series, zones: Mapping[str, str]
) -> tuple[Moments, pl.Series]:
    """Readings in the zones that the source states, and the clock times that state none."""
    names = zone_texts.drop_nulls().unique().to_list()
    meanings = {name: zones.get(name, name) for name in names}
    offsets_us = {name: offset_us(meaning) for name, meaning in meanings.items()}
    offset = zone_texts.replace_strict(offsets_us, default=None, return_dtype=pl.Int64)
    earlier = (clocks.dt.replace_time_zone("UTC").cast(pl.Int64) - offset).cast(_MOMENT)
    later = _nulls(clocks, _MOMENT)
    meaning = zone_texts.replace_strict(meanings, default=None, return_dtype=pl.String)
    for zone in sorted(set(meanings.values()) & known_zones()):
        told = _in_zone(where(meaning == zone, clocks), zone)
        earlier = earlier.zip_with(earlier.is_not_null(), told.earlier)
        later = later.zip_with(later.is_not_null(), told.later)
    return Moments(earlier, later), where(zone_texts.is_null(), clocks)
