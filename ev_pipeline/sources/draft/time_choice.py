"""Which columns give a session's start and end.

What lives here: whole times, date and clock apart, durations instead of an end, zone columns.
What does not: how a column writes times (`moments`), the other fields (`choice`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ev_pipeline.sources.draft.columns import Facts, best
from ev_pipeline.sources.draft.headers import score
from ev_pipeline.sources.draft.moments import Moments, full_moments
from ev_pipeline.sources.draft.quantities import unit_of
from ev_pipeline.sources.draft.statement import MAX_MARKERS, Statement

_FIRST_AFTER_START: Final = "it has no date: the first such clock from the start on"
_PLUGGED_IN: Final = "is it the time plugged in? else map it to charging_duration_h too"
_CHARGING: Final = "charging_duration_h"
_UNNAMED: Final = "the header does not say which time this is"


@dataclass(frozen=True, slots=True)
class Times:
    """Where start and end come from.

    Args:
        statements: of `started_at` and `ended_at`, those that were found.
        moments: how the columns behind them write times.
    """

    statements: tuple[Statement, ...]
    moments: tuple[Moments, ...]

    @property
    def need_zone(self) -> bool:
        """Whether times are written without an offset."""
        return any(not moments.has_offset for moments in self.moments)

    @property
    def has_seconds(self) -> bool:
        """Whether times are finer than minutes."""
        return any(moments.has_seconds for moments in self.moments)


Found = tuple[Statement, Moments]


def choose_times(columns: Sequence[Facts]) -> Times:
    """The best that the columns offer; start, end or both may be missing."""
    found: list[Found] = []
    free = list(columns)
    for field in ("started_at", "ended_at"):
        written = _whole(free, field)
        if found:
            written = written or _clock_end(free)
        written = written or _in_two(free, field)
        if written is None and (field == "started_at" or found):
            written = _unnamed(free, field)
        if written is None:
            continue
        found.append(written)
        taken = written[0].columns
        free = [column for column in free if column.name not in taken or _is_date(column)]
    zones = [column for column in columns if column.is_zone]
    statements = [
        statement
        if moments.has_offset or "clock_after_start" in statement.source
        else _with_zone(statement, zones)
        for statement, moments in found
    ]
    if [statement.field for statement in statements] == ["started_at"]:
        statements += _end_by_duration(free)
    return Times(tuple(statements), tuple(moments for _, moments in found))


def _is_date(column: Facts) -> bool:
    """Whether a column holds dates alone, which start and end may share."""
    return column.date is not None and column.full is None


def _whole(columns: Sequence[Facts], field: str) -> Found | None:
    """A time in one column whose header names it."""
    column = best([column for column in columns if column.full], field)
    if column is None or column.full is None:
        return None
    return _found(field, {"column": column.name}, column.full)


def _in_two(columns: Sequence[Facts], field: str) -> Found | None:
    """A time whose date and clock stand apart."""
    clock = best([column for column in columns if column.clock], field)
    dates = [column for column in columns if _is_date(column)]
    date = best(dates, field) or best(dates, "date")
    if clock is None or date is None:
        return None
    moments = full_moments(date.texts + " " + clock.texts)
    if moments is None:
        return None
    return _found(field, {"columns": [date.name, clock.name]}, moments)


def _clock_end(columns: Sequence[Facts]) -> Found | None:
    """An end without a date of its own: it may be past midnight."""
    clock = best([column for column in columns if column.clock], "ended_at")
    if clock is None or clock.clock is None or best(filter(_is_date, columns), "ended_at"):
        return None
    told, moments = _found("ended_at", {"clock_after_start": clock.name}, clock.clock)
    return replace(told, why=_FIRST_AFTER_START), moments


def _unnamed(columns: Sequence[Facts], field: str) -> Found | None:
    """A time whose header does not say which it is: the first is the start, the next the end."""
    other = "ended_at" if field == "started_at" else "updated_at"
    for column in columns:
        if column.full is not None and score(column.name, other) is None:
            return _found(field, {"column": column.name}, column.full, _UNNAMED)
    return None


def _found(field: str, source: dict[str, Any], moments: Moments, to_check: str = "") -> Found:
    source["format"] = moments.format
    checks = [to_check, "" if moments.is_sure else moments.why]
    why = [moments.why if moments.is_sure else ""]
    if moments.add_years:
        source["add_years"] = moments.add_years
        why.append("the years lack their 2000")
    markers = list(dict.fromkeys((*moments.at_epoch, *moments.unread)))
    if markers and len(markers) <= MAX_MARKERS:
        source["missing"] = markers
        checks.append("do the texts in missing mean that there is no time?")
    told = Statement(field, source, "; ".join(filter(None, why)), "; ".join(filter(None, checks)))
    return told, moments


def _with_zone(statement: Statement, zones: Sequence[Facts]) -> Statement:
    """The statement with the column that names its zone: its own, else the only one."""
    own = best(zones, statement.field)
    zone = own or (zones[0] if len(zones) == 1 else None)
    if zone is None or isinstance(statement.source, str):
        return statement
    source = {**statement.source, "zone_column": zone.name}
    return Statement(statement.field, source, statement.why, statement.to_check)


def _end_by_duration(columns: Sequence[Facts]) -> list[Statement]:
    """An end that follows from the start and a duration, where there is one."""
    durations = [column for column in columns if column.duration or column.numbers]
    plugged = [column for column in durations if not score(column.name, _CHARGING)]
    for field in ("session_duration", _CHARGING):
        column = best(durations if field == _CHARGING else plugged, field)
        if column is None:
            continue
        is_session = field == "session_duration"
        check = _PLUGGED_IN if is_session else "the car may have stayed longer"
        source: dict[str, Any] = {"start_plus": column.name}
        own = {"is_plugged_in": True} if is_session else {}
        if column.duration is not None:
            source |= {"format": column.duration, **own}
            return [Statement("ended_at", source, "", check)]
        unit = (
            unit_of(column.name, "charging_duration_h", column.numbers) if column.numbers else None
        )
        if unit is not None:
            checks = (check, "" if unit.is_sure else unit.why)
            to_check = "; ".join(filter(None, checks))
            source |= {"unit": unit.name, **own}
            return [Statement("ended_at", source, "", to_check)]
    return []
