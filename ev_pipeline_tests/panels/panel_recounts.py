"""What each panel made of sums must show, counted over the raw tables."""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ev_pipeline_tests.panels.recount import Row, Tables, day_start, decimal, over, seconds

_DAY = timedelta(days=1)


def after_charging(chosen: list[Row]) -> Row:
    known = [row for row in chosen if row["charging_duration_h"] is not None]
    charging = sum((decimal(row["charging_duration_h"]) for row in known), Decimal(0))
    idle = sum(
        (
            max(seconds(row) - decimal(row["charging_duration_h"]) * 3600, Decimal(0))
            for row in known
        ),
        Decimal(0),
    )
    return {
        "mean_charging_h": over(charging, len(known)),
        "charging_share": over(Decimal(len(known)), len(chosen)),
        "mean_idle_h": over(idle / 3600, len(known)),
        "idle_share": over(Decimal(len(known)), len(chosen)),
    }


def last_day(tables: Tables) -> date:
    return max(tables.day(row) for row in tables.sessions)


def shown_days(tables: Tables, count: int) -> list[date]:
    """Day by day from the first: those of a stretch of more than 28 empty ones do not count."""
    busy = {tables.day(row) for row in tables.sessions}
    shown: list[date] = []
    empty: list[date] = []
    day, last = min(busy), max(busy)
    while day <= last:
        if day in busy:
            shown += [*(empty if len(empty) <= 28 else []), day]
            empty = []
        else:
            empty.append(day)
        day += _DAY
    while len(shown) < 28:
        shown.insert(0, shown[0] - _DAY)
    return shown[-count:]


def summary(tables: Tables) -> Row:
    chosen = tables.sessions
    if not chosen:
        nobody = {"n_stations": 0, "n_users": 0, "last_session_at": None, "first_day": None}
        return {**tables.use([]), **nobody}
    users = {(row["scope"], row["user_id"]) for row in chosen if row["user_id"] is not None}
    last = last_day(tables)
    recent = tables.between(last - 29 * _DAY, last)
    before = tables.between(last - 59 * _DAY, last - 30 * _DAY)
    return {
        **tables.use(chosen),
        "cost_per_kwh": tables.cost_per_kwh(chosen),
        **after_charging(chosen),
        "n_stations": len({(row["scope"], row["station_id"]) for row in chosen}),
        "n_users": len(users),
        "last_session_at": max(row["ended_at"] for row in chosen),
        "first_day": min(tables.day(row) for row in chosen),
        "recent": {"last_day": last, **tables.use(recent)},
        "before": {"cost_per_kwh": tables.cost_per_kwh(before), **tables.use(before)},
    }


def trend_daily(tables: Tables) -> Row:
    if not tables.sessions:
        return {"days": []}
    days = shown_days(tables, 365)
    by_day = tables.by(tables.day, tables.sessions)
    left_out = (days[-1] - days[0]).days + 1 - len(days)
    return {
        "n_days_left_out": left_out,
        "days": [{"day": day, **tables.use(by_day.get(day, []))} for day in days],
    }


def trend_weekly(tables: Tables) -> Row:
    def monday(row: Row) -> date:
        return tables.day(row) - timedelta(days=tables.day(row).weekday())

    by_week = tables.by(monday, tables.sessions)
    if not by_week:
        return {"weeks": []}
    count = (max(by_week) - min(by_week)).days // 7 + 1
    weeks = [min(by_week) + timedelta(weeks=n) for n in range(count)]
    return {
        "weeks": [
            {"week": f"{week:%G-W%V}", "first_day": week, **tables.use(by_week.get(week, []))}
            for week in weeks
        ][-260:]
    }


def recent_sessions(tables: Tables) -> list[Row]:
    if not tables.sessions:
        return []
    days = set(shown_days(tables, 84))
    return [row for row in tables.sessions if tables.day(row) in days]


def time_of_day(tables: Tables) -> Row:
    by_hour = tables.by(
        lambda row: (tables.local(row).isoweekday(), tables.local(row).hour),
        recent_sessions(tables),
    )
    return {
        "cells": [
            {
                "weekday": weekday,
                "hour": hour,
                "n_sessions": len(by_hour.get((weekday, hour), [])),
                "total_energy_kwh": tables.use(by_hour.get((weekday, hour), []))[
                    "total_energy_kwh"
                ],
            }
            for weekday in range(1, 8)
            for hour in range(24)
        ]
    }


def cost(tables: Tables) -> Row:
    def price(chosen: list[Row]) -> Row:
        return {**tables.cost(chosen), "cost_per_kwh": tables.cost_per_kwh(chosen)}

    by_month = tables.by(lambda row: f"{tables.day(row):%Y-%m}", tables.sessions)
    by_hour = tables.by(lambda row: tables.local(row).hour, recent_sessions(tables))
    with_cost = [row for row in tables.sessions if row["cost"] is not None]
    currencies = Counter(row["currency"] or "XXX" for row in with_cost)
    return {
        **price(tables.sessions),
        "currencies": [
            {"currency": currency, "n_sessions": n}
            for currency, n in sorted(currencies.items(), key=lambda item: (-item[1], item[0]))
        ],
        "by_month": [
            {"month": month, **price(chosen)} for month, chosen in sorted(by_month.items())
        ],
        "by_hour": {
            "hours": [{"hour": hour, **price(by_hour.get(hour, []))} for hour in range(24)]
        },
    }


def quality(tables: Tables) -> Row:
    def counted(name: str, codes: Counter[str]) -> list[Row]:
        ordered = sorted(codes.items(), key=lambda item: (-item[1], item[0]))
        return [{"code": code, name: n} for code, n in ordered]

    reasons = Counter(code for row in tables.refused for code in row["codes"])
    said = Counter(code for row in tables.sessions for code in row["quality_codes"])
    return {
        "n_quarantined": len(tables.refused),
        "quarantined_by_code": counted("n_records", reasons),
        "stored_by_code": counted("n_sessions", said),
    }


def users(tables: Tables) -> Row:
    named = [row for row in tables.sessions if row["user_id"] is not None]
    by_user = tables.by(lambda row: (row["scope"], row["user_id"]), named)
    energy = {
        user: sum((decimal(row["energy_kwh"]) for row in chosen), Decimal(0))
        for user, chosen in by_user.items()
    }
    ranked = sorted(by_user, key=lambda user: (-len(by_user[user]), -energy[user]))
    n_repeat = sum(len(chosen) > 1 for chosen in by_user.values())
    return {
        "n_users": len(by_user),
        "n_repeat_users": n_repeat,
        "repeat_share": over(Decimal(n_repeat), len(by_user)),
        "user_share": over(Decimal(len(named)), len(tables.sessions)),
        "top": [
            {
                "rank": rank,
                "n_sessions": len(by_user[user]),
                "total_energy_kwh": float(energy[user]),
                "session_share": over(Decimal(len(by_user[user])), len(named)),
            }
            for rank, user in enumerate(ranked[:20], start=1)
        ],
    }


def stations(tables: Tables) -> Row:
    if not tables.sessions:
        return {"n_stations": 0, "stations": []}
    last = last_day(tables)
    first = last - 27 * _DAY
    by_station = tables.by(lambda row: (row["scope"], row["station_id"]), tables.sessions)
    connectors = {(row["scope"], row["station_id"]): row["connectors"] for row in tables.stations}
    length = day_start(last + _DAY, tables.zone) - day_start(first, tables.zone)
    shown = []
    for key in sorted(by_station, key=lambda key: (-len(by_station[key]), key)):
        chosen = by_station[key]
        days = [tables.day(row) for row in chosen]
        occupied_h = tables.occupied_h(key[1], first, last)
        recent = [row for row in chosen if first <= tables.day(row) <= last]
        charging = [row for row in recent if row["charging_duration_h"] is not None]
        offered_h = (connectors[key] or 0) * length / timedelta(hours=1)
        shown.append(
            {
                "station_id": key[1],
                **tables.use(chosen),
                "cost_per_kwh": tables.cost_per_kwh(chosen),
                **after_charging(chosen),
                "first_session_day": min(days),
                "last_session_day": max(days),
                "n_no_energy": sum(
                    row["station_id"] == key[1] and "no_energy" in row["codes"]
                    for row in tables.refused
                ),
                "utilisation": {
                    "n_sessions": len(recent),
                    "occupied_h": float(occupied_h),
                    "occupied_share": occupied_h / offered_h if offered_h else None,
                    "charging_h": tables.charging_h(key[1], first, last)
                    if charging or not recent
                    else None,
                },
            }
        )
    return {"n_stations": len(by_station), "stations": shown}


RECOUNTS: dict[str, Callable[[Tables], Any]] = {
    "summary": summary,
    "trend_daily": trend_daily,
    "trend_weekly": trend_weekly,
    "time_of_day": time_of_day,
    "cost": cost,
    "quality": quality,
    "users": users,
    "stations": stations,
}
