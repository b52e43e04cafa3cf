"""Ends that are told by a clock without a date: the first such time from the start on.

What lives here: the date that such a clock has. What does not: reading the start (`decode`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Final

import polars as pl

from ev_pipeline.sources.cells import constant, where
from ev_pipeline.sources.timeformats import with_date
from ev_pipeline.sources.times import Moments, WrittenTimes, in_years, read_written, to_moments

_ANY_DATE: Final = "2000-01-01"
"""Lets a clock be read where the session has no start."""


@dataclass(frozen=True, slots=True)
class Start:
    """When sessions began, and on which clock.

    Args:
        written: the starts as they are written.
        moments: the same in UTC; where there are two readings, the earlier one.
        zone: IANA zone of the clocks that state none.
        zone_texts: String; the zones that the source states for each, or null.
        zones: what these texts mean.
    """

    written: WrittenTimes
    moments: pl.Series
    zone: str | None
    zone_texts: pl.Series | None
    zones: Mapping[str, str]

    def on_clock(self) -> pl.Series:
        """The starts as the clock showed them: Datetime(us)."""
        zone = self.zone or str(UTC)
        told = self.written.moments.dt.convert_time_zone(zone).dt.replace_time_zone(None)
        return self.written.clocks.zip_with(self.written.clocks.is_not_null(), told)

    def moments_of(self, clocks: pl.Series) -> Moments:
        """What clock times mean where the starts stand."""
        written = WrittenTimes(constant(None, self.moments.dtype, len(clocks)), clocks)
        return to_moments(written, zone=self.zone, zone_texts=self.zone_texts, zones=self.zones)


@dataclass(frozen=True, slots=True)
class ClockEnds:
    """Ends that were told by a clock.

    Args:
        readable: not null where the clock could be read, whether or not there is a start.
        moments: the ends; null where there is no start.
    """

    readable: pl.Series
    moments: Moments


def clock_ends(texts: pl.Series, formats: tuple[str, ...], start: Start) -> ClockEnds:
    """The first times from the start on at which the clock showed the texts.

    A clock without seconds may show the start's own minute: then the session has no duration,
    rather than one of a day.

    Args:
        texts: String; null where there is no end.
        formats: of a clock alone; the first one that reads a text wins.
        start: when the sessions began.
    """
    dates = start.on_clock().dt.strftime("%Y-%m-%d").fill_null(_ANY_DATE)
    written = read_written(dates + " " + texts, tuple(map(with_date, formats)), add_years=0)
    clocks = where(start.moments.is_not_null(), written.clocks)
    same_day = start.moments_of(clocks)
    next_day = start.moments_of(in_years(clocks.dt.offset_by("1d")))
    has_seconds = any("SS" in name for name in formats)
    begun = start.moments if has_seconds else start.moments.dt.truncate("1m")
    is_same_day = (same_day.earlier >= begun).fill_null(value=False)
    is_second_reading = ~is_same_day & (same_day.later >= begun).fill_null(value=False)
    ends = next_day.earlier.zip_with(~is_second_reading, same_day.later)
    later = where(~is_second_reading, next_day.later)
    return ClockEnds(
        written.clocks,
        Moments(
            same_day.earlier.zip_with(is_same_day, ends),
            same_day.later.zip_with(is_same_day, later),
        ),
    )
