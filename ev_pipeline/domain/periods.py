"""Periods: days of the reporting zone as the stretch of time that they are.

What lives here: reading and checking what somebody asks for, and when its days begin.
What does not: what happened in it (`storage`), and how it is asked for (`cli`, `panels`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

from ev_pipeline.domain.errors import PipelineError

MAX_DAYS: Final = 14_640
"""d; forty years. A report lists every day: one of more days would be larger than anybody needs."""

LONGEST_PAUSE_DAYS: Final = 28
"""d; days without a session are shown where there are no more of them at a stretch."""

LEAST_DAYS: Final = 28
"""d; so many are shown also of a network that has just begun."""

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2199
"""Years of which every time zone knows when a day begins."""

_ISO_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

_MEND: Final = "write both dates like 2018-03-31, the earlier one first"


class PeriodError(PipelineError):
    """A period that nobody can report on.

    Args:
        code: what is wrong, for programs.
        what: the same, for people.
        mend: what to do about it.
    """

    def __init__(self: Self, code: str, what: str, *, mend: str = _MEND) -> None:
        super().__init__(what, mend=mend)
        self.code = code


@dataclass(frozen=True, slots=True)
class Period:
    """Days of one zone, from the first to the last, both included.

    Args:
        first_day: the first day.
        last_day: the last day, not before the first.
        zone: whose days they are.
    """

    first_day: date
    last_day: date
    zone: ZoneInfo

    @property
    def since(self) -> datetime:
        """When the first day begins, UTC."""
        return day_begins(self.first_day, self.zone)

    @property
    def until(self) -> datetime:
        """When the day after the last begins, UTC; no longer part of the period."""
        return day_begins(self.last_day + timedelta(days=1), self.zone)

    @property
    def duration_s(self) -> float:
        """How long it is, s: a day on which clocks change has 23 or 25 hours, or so."""
        return (self.until - self.since).total_seconds()

    def days(self) -> list[date]:
        """Every day, in order."""
        count = (self.last_day - self.first_day).days + 1
        return [self.first_day + timedelta(days=number) for number in range(count)]


def day_begins(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of the day in the zone, UTC.

    Midnight may exist twice, then the day begins with the earlier; or not at all, then it begins
    when clocks have moved on.
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)


def read_period(first: object, last: object, zone: ZoneInfo) -> Period:
    """The period that two dates name.

    Args:
        first: its first day, as YYYY-MM-DD.
        last: its last day, in the same way.
        zone: the zone of its days.

    Raises:
        PeriodError: `missing_date`, `bad_date`, `out_of_range`, `wrong_order` or `too_long`.
    """
    first_day, last_day = _read_day("from", first), _read_day("to", last)
    if last_day < first_day:
        raise PeriodError("wrong_order", f"the period ends ({last}) before it begins ({first})")
    if (last_day - first_day).days >= MAX_DAYS:
        raise PeriodError(
            "too_long",
            f"from {first} to {last} is more than {MAX_DAYS:,} days",
            mend="ask for forty years at most",
        )
    return Period(first_day, last_day, zone)


def read_span(
    first: object, last: object, zone: ZoneInfo
) -> tuple[datetime | None, datetime | None]:
    """When the span between two days begins, and from when on it is over, UTC.

    Args:
        first: its first day, as YYYY-MM-DD; null for no beginning.
        last: its last day, in the same way; null for no end.
        zone: the zone of its days.

    Raises:
        PeriodError: `bad_date`, `out_of_range` or `wrong_order`.
    """
    first_day = None if first is None else _read_day("from", first)
    last_day = None if last is None else _read_day("to", last)
    if first_day is not None and last_day is not None and last_day < first_day:
        raise PeriodError("wrong_order", f"the period ends ({last}) before it begins ({first})")
    since = None if first_day is None else day_begins(first_day, zone)
    until = None if last_day is None else day_begins(last_day + timedelta(days=1), zone)
    return since, until


def last_days(last_day: date, count: int, zone: ZoneInfo) -> Period:
    """The period of `count` days that ends with `last_day`."""
    return Period(last_day - timedelta(days=count - 1), last_day, zone)


def worth_showing(busy_days: Sequence[date], count: int) -> list[date]:
    """The last days up to the last with a session, long stretches without one left out.

    Args:
        busy_days: the days with a session, in order, at least one.
        count: how many days at most.

    Returns:
        Days in order, from the first with a session at the earliest, if that makes enough.
    """
    shown = [busy_days[-1]]
    for busy in reversed(busy_days[:-1]):
        if len(shown) >= count:
            break
        pause = (shown[-1] - busy).days - 1
        skipped = pause if pause > LONGEST_PAUSE_DAYS else 0
        first_back = 1 + skipped
        shown += [shown[-1] - timedelta(days=n) for n in range(first_back, pause + 2)]
    while len(shown) < min(LEAST_DAYS, count):
        shown.append(shown[-1] - timedelta(days=1))
    return shown[:count][::-1]


def _read_day(name: str, text: object) -> date:
    if text is None or text == "":
        raise PeriodError("missing_date", f"the date {name!r} is missing")
    if not isinstance(text, str) or not _ISO_DAY.fullmatch(text):
        raise PeriodError("bad_date", f"{name!r} is no date: {str(text)[:40]!r}")
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise PeriodError("bad_date", f"{name!r} is no day of the calendar: {text}") from error
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise PeriodError(
            "out_of_range",
            f"{name!r} is {text}",
            mend=f"name a year from {FIRST_YEAR} to {LAST_YEAR}",
        )
    return day
