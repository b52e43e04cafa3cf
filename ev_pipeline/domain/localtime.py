"""Local times: the station's own clock, and which reading a time has that exists twice.

What lives here: moments on a station's clock; the choice between the two readings that a local
time has when clocks go back. What does not: reading texts as moments (`sources.times`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from ev_pipeline.domain.identity import session_ids

MAX_CONTENDERS: Final = 120
"""Sessions in one hour on one connector that are told apart by their neighbours. More than one
each half minute are no sequence: then all take the earlier reading, so that a hostile file costs no
more time than a long one."""

_MICROSECONDS_PER_SECOND: Final = 1_000_000
_PLACE: Final = (pl.col("station_id"), pl.col("connector_id"))
_SPAN: Final = (
    pl.col("session_id"),
    pl.col("started_at").dt.epoch("us").fill_null(0),
    pl.col("ended_at").dt.epoch("us").fill_null(0),
)
"""A record that lacks a time spans nothing that could overlap."""

_Place = tuple[str | None, str | None]
"""Station and connector."""


def station_clock(moments: pl.Series, zones: pl.Series) -> pl.Series:
    """The moments as the clocks of these zones show them.

    Args:
        moments: Datetime with a zone.
        zones: IANA zone of each; null where it is unknown.

    Returns:
        Datetime without a zone, named as `moments`; null where moment or zone is.
    """
    distinct = {*zones.to_list()}
    if len(distinct) == 1 and None not in distinct:
        return _clock(moments, distinct.pop())
    clock = pl.Series(moments.name, [None], dtype=pl.Datetime("us")).new_from_index(0, len(moments))
    for zone in distinct - {None}:
        clock = _clock(moments, zone).zip_with(zones == zone, clock)
    return clock


def _clock(moments: pl.Series, zone: str) -> pl.Series:
    return moments.dt.convert_time_zone(zone).dt.replace_time_zone(None)


def readings(
    frame: pl.DataFrame, *, scope: str, key_has_end: bool, has_tied_times: bool = False
) -> pl.DataFrame:
    """Every way in which the times of each record can be read.

    Args:
        frame: canonical sessions, told apart by `line`, with `started_later_at` and
            `ended_later_at` where a local time exists twice.
        scope: the operator within which ids are unique.
        key_has_end: whether the natural key has the end.
        has_tied_times: whether start and end are apart by a duration that the source states.

    Returns:
        The frame with one row for each reading and the `session_id` that the reading has. Where
        times are tied, or the end is noted as derived, both are read early or both late.
    """
    late_start = pl.col("started_later_at").alias("started_at")
    late_end = pl.col("ended_later_at").alias("ended_at")
    has_late_start = pl.col("started_later_at").is_not_null()
    has_late_end = pl.col("ended_later_at").is_not_null()
    is_derived = pl.lit(has_tied_times) | pl.col("notes").list.contains("end_derived")
    is_tied = has_late_start & has_late_end & is_derived
    ways = pl.concat(
        [
            frame,
            frame.filter(has_late_end & ~is_tied).with_columns(late_end),
            frame.filter(has_late_start & ~is_tied).with_columns(late_start),
            frame.filter(has_late_start & has_late_end).with_columns(late_start, late_end),
        ]
    )
    return ways.with_columns(session_ids(ways, scope=scope, key_has_end=key_has_end))


def choose_readings(
    read: pl.DataFrame, *, neighbours: pl.DataFrame, stored: pl.DataFrame, resolution_s: float
) -> pl.DataFrame:
    """Each record has one reading, whatever the order of the records.

    A reading that is stored wins (a file that is loaded again is read as it was), else one whose
    id is stored; else one whose end follows its start and that overlaps no neighbour on its
    connector; else one whose end follows its start; else the earlier. A record of which only one
    reading fits is settled before those of which several do, and is then their neighbour.

    Args:
        read: what `readings` returns.
        neighbours: sessions whose times are certain, of the same file or stored: `session_id`,
            `station_id`, `connector_id`, `started_at`, `ended_at`.
        stored: what is stored under the readings' ids: `session_id`, `started_at`, `ended_at`.
        resolution_s: resolution of the source's times, s: sessions overlap by more than that.

    Returns:
        One row of `read` for each record, in the order of `line`.
    """
    grace_us = round(resolution_s * _MICROSECONDS_PER_SECOND)
    certain: dict[_Place, list[_Reading]] = {}
    for station, connector, *span in _on_connectors(neighbours).iter_rows():
        certain.setdefault((station, connector), []).append(_Reading(*span))
    is_stored = set(stored.select(_SPAN).iter_rows())
    is_stored_id = set(stored["session_id"])
    chosen: list[int] = []
    for place, contenders in _contenders(read):
        likely = [
            [reading for reading in contender if reading.span in is_stored]
            or [reading for reading in contender if reading.session_id in is_stored_id]
            or contender
            for contender in contenders
        ]
        chosen += _settle(likely, certain.get(place, []), grace_us)
    return read[chosen].sort("line")


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read a record: its id, epoch µs, and its row in the frame of readings."""

    session_id: str | None
    started_us: int
    ended_us: int
    row: int = -1

    @property
    def span(self) -> tuple[str | None, int, int]:
        """The id and the times."""
        return self.session_id, self.started_us, self.ended_us

    @property
    def is_forward(self) -> bool:
        """Whether the end follows the start."""
        return self.ended_us > self.started_us

    def overlaps(self, other: "_Reading", grace_us: int) -> bool:
        """Whether this and another session share more than the grace."""
        if self.session_id is not None and self.session_id == other.session_id:
            return False
        shared_us = min(self.ended_us, other.ended_us) - max(self.started_us, other.started_us)
        return shared_us > grace_us


def _on_connectors(sessions: pl.DataFrame) -> pl.DataFrame:
    """Place and span of the sessions whose connector is known."""
    return sessions.filter(pl.col("connector_id").is_not_null()).select(*_PLACE, *_SPAN)


def _contenders(read: pl.DataFrame) -> Iterator[tuple[_Place, list[list[_Reading]]]]:
    """For each hour on a connector the readings of the records that it has, in order."""
    day = pl.coalesce("started_later_at", "ended_later_at").dt.date()
    rows = (
        read.with_row_index("row")
        .sort(*_SPAN[1:], "session_id", "line", maintain_order=True)
        .select(*_PLACE, day.alias("day"), "line", *_SPAN, "row")
    )
    hours: dict[tuple[_Place, Any], dict[int, list[_Reading]]] = {}
    for station, connector, day_of_hour, line, *reading in rows.iter_rows():
        place = (station, connector)
        hour = (place, day_of_hour if connector is not None else line)
        hours.setdefault(hour, {}).setdefault(line, []).append(_Reading(*reading))
    for (place, _), records in hours.items():
        yield place, list(records.values())


def _settle(contenders: list[list[_Reading]], certain: list[_Reading], grace_us: int) -> list[int]:
    """The row of one reading for each contender."""
    if len(contenders) > MAX_CONTENDERS:
        return [_earliest(contender).row for contender in contenders]
    fitting = {
        i: [
            reading
            for reading in contender
            if reading.is_forward and not any(reading.overlaps(x, grace_us) for x in certain)
        ]
        for i, contender in enumerate(contenders)
    }
    rows = []
    while fitting:
        i = min(fitting, key=lambda i: (len(fitting[i]) > 1, i))
        settled = _earliest(fitting.pop(i) or contenders[i])
        rows.append(settled.row)
        for other, options in fitting.items():
            fitting[other] = [x for x in options if not x.overlaps(settled, grace_us)]
    return rows


def _earliest(options: list[_Reading]) -> _Reading:
    """The earliest reading whose end follows its start, else the earliest."""
    return next((reading for reading in options if reading.is_forward), options[0])
