"""Panels that the worker keeps current: each a function of one snapshot.

What lives here: summary, trends, time of day, cost and the newest sessions. What does not: the
pipeline's own state (`state_panels`), what only the publishing op shows (`lineage_panels`).

Windows end with the last day on which a session starts, not with today, and leave out long
stretches without any: so history that was loaded is shown, also beside sessions of today, and every
panel says which days it is about.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from ev_pipeline.domain.periods import Period, last_days, worth_showing
from ev_pipeline.panels import measures
from ev_pipeline.panels.envelope import Content
from ev_pipeline.storage import panel_counts as counts
from ev_pipeline.storage import panel_sums as sums_of
from ev_pipeline.storage.panel_lists import newest_sessions
from ev_pipeline.storage.panel_snapshot import Snapshot
from ev_pipeline.storage.panel_sums import NOTHING, Sums

COMPARED_DAYS: Final = 30
"""d; what the summary compares with as many days before."""

TREND_DAYS: Final = 365
"""d; a year shows every season, and fits into 500 points."""

TREND_WEEKS: Final = 260
"""Weeks; five years, within 500 points."""

TREND_MONTHS: Final = 480
"""Months; as many years as a period report has."""

RECENT_DAYS: Final = 84
"""d; twelve weeks have each weekday twelve times, and are of one season."""

LIVE_SESSIONS: Final = 20
"""As contracts have it."""

_ONE_DAY: Final = timedelta(days=1)
_HOURS: Final = 24


def build_summary(snapshot: Snapshot) -> Content:
    """All stored sessions in a few figures, and the last days beside those before."""
    total = sums_of.sums_of_all(snapshot)
    used = measures.use(total)
    data = {
        "n_sessions": total.n_sessions,
        "n_stations": counts.count_stations(snapshot),
        "n_users": counts.count_users(snapshot),
        **{name: value for name, value in used.items() if name != "n_sessions"},
        "cost_per_kwh": measures.cost_per_kwh(total),
        **measures.after_charging(total),
        "last_session_at": counts.last_session_at(snapshot),
        **_compared(snapshot),
    }
    return Content(data, total.n_sessions, counts.count_refused(snapshot))


def _compared(snapshot: Snapshot) -> dict[str, Any]:
    """The first day, the last days and the days before them; null where there is no session."""
    busy = sums_of.busy_days(snapshot)
    if not busy:
        return {"first_day": None, "recent": None, "before": None}
    recent = last_days(busy[-1], COMPARED_DAYS, snapshot.zone)
    before = last_days(recent.first_day - _ONE_DAY, COMPARED_DAYS, snapshot.zone)
    return {
        "first_day": busy[0],
        "recent": _of_period(snapshot, recent),
        "before": _of_period(snapshot, before),
    }


def _of_period(snapshot: Snapshot, period: Period) -> dict[str, Any]:
    sums = sums_of.add_sums(list(sums_of.sums_by_day(snapshot, period).values()))
    per_kwh = measures.cost_per_kwh(sums)
    return {**_days_of(period), **measures.use(sums), "cost_per_kwh": per_kwh}


def build_trend_daily(snapshot: Snapshot) -> Content:
    """Each of the last days, also those without a session."""
    window = _window(snapshot, TREND_DAYS)
    if window is None:
        return Content({**_NO_DAYS, "days": []}, 0, 0)
    by_day = sums_of.sums_by_day(snapshot, window.period)
    days = [{"day": day, **_point(by_day.get(day, NOTHING))} for day in window.days]
    return _in_window(snapshot, window, {"days": days}, list(by_day.values()))


def build_trend_weekly(snapshot: Snapshot) -> Content:
    """Each of the last ISO weeks, also those without a session; the last may not be over."""
    by_week = sums_of.sums_by_week(snapshot)
    if not by_week:
        return Content({"first_day": None, "last_day": None, "weeks": []}, 0, 0)
    last = max(by_week)
    first = max(min(by_week), last - timedelta(weeks=TREND_WEEKS - 1))
    period = Period(first, last + timedelta(days=6), snapshot.zone)
    shown = {week: sums for week, sums in by_week.items() if week >= first}
    mondays = [first + timedelta(weeks=n) for n in range((last - first).days // 7 + 1)]
    weeks = [
        {"week": _iso_week(monday), "first_day": monday, **_point(shown.get(monday, NOTHING))}
        for monday in mondays
    ]
    return _in_period(snapshot, period, {**_days_of(period), "weeks": weeks}, list(shown.values()))


def _iso_week(monday: date) -> str:
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02}"


def build_time_of_day(snapshot: Snapshot) -> Content:
    """Sessions of the last weeks by weekday and hour of their start, on the reporting clock."""
    window = _window(snapshot, RECENT_DAYS)
    by_hour = {} if window is None else sums_of.sums_by_weekday_and_hour(snapshot, window.period)
    cells = [
        {
            "weekday": number // _HOURS + 1,
            "hour": number % _HOURS,
            "n_sessions": by_hour.get(number, NOTHING).n_sessions,
            "total_energy_kwh": measures.number(by_hour.get(number, NOTHING).energy_kwh),
        }
        for number in range(7 * _HOURS)
    ]
    if window is None:
        return Content({**_NO_DAYS, "cells": cells}, 0, 0)
    return _in_window(snapshot, window, {"cells": cells}, list(by_hour.values()))


def build_cost(snapshot: Snapshot) -> Content:
    """What all sessions cost, by month, and by hour of the last weeks."""
    total = sums_of.sums_of_all(snapshot)
    months = sorted(sums_of.sums_by_month(snapshot).items())[-TREND_MONTHS:]
    window = _window(snapshot, RECENT_DAYS)
    by_week_hour = (
        {} if window is None else sums_of.sums_by_weekday_and_hour(snapshot, window.period)
    )
    by_hour = [
        sums_of.add_sums([sums for key, sums in by_week_hour.items() if key % _HOURS == hour])
        for hour in range(_HOURS)
    ]
    data = {
        **_price(total),
        "currencies": [
            {**row, "cost": measures.number(row["cost"])}
            for row in counts.costs_by_currency(snapshot)[:20]
        ],
        "by_month": [{"month": f"{month:%Y-%m}", **_price(sums)} for month, sums in months],
        "by_hour": {
            **(_NO_DAYS if window is None else window.told()),
            "hours": [{"hour": hour, **_price(sums)} for hour, sums in enumerate(by_hour)],
        },
    }
    return Content(data, total.n_sessions, counts.count_refused(snapshot))


def build_live(snapshot: Snapshot) -> Content:
    """The sessions that were stored last, with their labels."""
    data = newest_sessions(snapshot, limit=LIVE_SESSIONS)
    return Content(data, len(data), counts.count_refused(snapshot))


@dataclass(frozen=True, slots=True)
class _Window:
    """The last days that are worth showing.

    Args:
        days: each of them, in order.
        period: from the first to the last; what it has more, no session starts on.
    """

    days: list[date]
    period: Period

    def told(self) -> dict[str, Any]:
        """Which days they are, for people."""
        left_out = len(self.period.days()) - len(self.days)
        return {**_days_of(self.period), "n_days_left_out": left_out}


_NO_DAYS: Final = {"first_day": None, "last_day": None, "n_days_left_out": 0}


def _window(snapshot: Snapshot, count: int) -> _Window | None:
    """The last days that are worth showing; null where there is no session."""
    busy = sums_of.busy_days(snapshot)
    if not busy:
        return None
    days = worth_showing(busy, count)
    return _Window(days, Period(days[0], days[-1], snapshot.zone))


def _in_window(
    snapshot: Snapshot, window: _Window, data: dict[str, Any], parts: list[Sums]
) -> Content:
    """Data about the window's days, with their counts."""
    return _in_period(snapshot, window.period, {**window.told(), **data}, parts)


def _in_period(
    snapshot: Snapshot, period: Period, data: dict[str, Any], parts: list[Sums]
) -> Content:
    """Data about a period, with the counts of the period."""
    refused = counts.refused_by_day(snapshot, period)
    n_sessions = sum(part.n_sessions for part in parts)
    return Content(data, n_sessions, sum(refused.values()))


def _days_of(period: Period) -> dict[str, date]:
    return {"first_day": period.first_day, "last_day": period.last_day}


def _point(sums: Sums) -> dict[str, Any]:
    return {**measures.use(sums), "cost_per_kwh": measures.cost_per_kwh(sums)}


def _price(sums: Sums) -> dict[str, Any]:
    return {
        "n_sessions": sums.n_sessions,
        **measures.cost(sums),
        "priced_energy_kwh": measures.number(sums.priced_energy_kwh),
        "cost_per_kwh": measures.cost_per_kwh(sums),
    }
