"""Panels and reports counted once more, in plain Python over the raw tables.

Shares no query with the panels, and knows days by Python's own time zones. Sums are decimal, as
PostgreSQL's are; means are divided once, at the end.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ev_pipeline_tests.intake.files import rows

Row = dict[str, Any]

_DAY = timedelta(days=1)


def decimal(value: float | None) -> Decimal:
    return Decimal(0) if value is None else Decimal(repr(value))


def over(part: Decimal, whole: Decimal | int) -> float | None:
    return float(Fraction(part) / Fraction(whole)) if whole else None


def seconds(row: Row) -> Decimal:
    return Decimal((row["ended_at"] - row["started_at"]) // timedelta(microseconds=1)) / 10**6


def day_start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


@dataclass(frozen=True)
class Tables:
    """The raw tables at one moment.

    Args:
        sessions: rows of `ev_session`.
        refused: open rows of `ev_quarantine`.
        stations: rows of `ev_station`.
        zone: the reporting zone.
        currency: the reporting currency.
    """

    sessions: list[Row]
    refused: list[Row]
    stations: list[Row]
    zone: ZoneInfo
    currency: str

    @classmethod
    def read(cls, engine: sa.Engine, timezone: str, currency: str = "EUR") -> "Tables":
        def table(query: str) -> list[Row]:
            return rows(engine, f"select to_jsonb(t) from ({query}) t")

        with engine.connect() as connection:
            sessions = [
                dict(row)
                for row in connection.execute(sa.text("select * from ev_session")).mappings()
            ]
            refused = [
                dict(row)
                for row in connection.execute(
                    sa.text("select * from ev_quarantine where state = 'open'")
                ).mappings()
            ]
        stations = table("select * from ev_station")
        return cls(sessions, refused, stations, ZoneInfo(timezone), currency)

    def local(self, row: Row) -> datetime:
        started_at: datetime = row["started_at"]
        return started_at.astimezone(self.zone)

    def day(self, row: Row) -> date:
        return self.local(row).date()

    def between(self, first: date, last: date) -> list[Row]:
        return [row for row in self.sessions if first <= self.day(row) <= last]

    def refused_between(self, first: date, last: date) -> list[Row]:
        readable = [row for row in self.refused if row["started_at"] is not None]
        return [row for row in readable if first <= self.day(row) <= last]

    def use(self, sessions: Iterable[Row]) -> Row:
        """The measures of every report."""
        chosen = list(sessions)
        time_s = sum((seconds(row) for row in chosen), Decimal(0))
        energy = sum((decimal(row["energy_kwh"]) for row in chosen), Decimal(0))
        return {
            "n_sessions": len(chosen),
            "total_duration_h": over(time_s, 3600),
            "mean_duration_h": over(time_s / 3600, len(chosen)),
            "total_energy_kwh": float(energy),
            "mean_energy_kwh": over(energy, len(chosen)),
            **self.cost(chosen),
        }

    def cost(self, chosen: list[Row]) -> Row:
        priced = self.priced(chosen)
        with_cost = [row for row in chosen if row["cost"] is not None]
        total = sum((decimal(row["cost"]) for row in priced), Decimal(0))
        return {
            "total_cost": float(total) if priced else None,
            "n_cost_null": len(chosen) - len(with_cost),
            "n_other_currency": len(with_cost) - len(priced),
        }

    def priced(self, chosen: list[Row]) -> list[Row]:
        return [
            row for row in chosen if row["cost"] is not None and row["currency"] == self.currency
        ]

    def cost_per_kwh(self, chosen: list[Row]) -> float | None:
        priced = self.priced(chosen)
        cost = sum((decimal(row["cost"]) for row in priced), Decimal(0))
        return over(cost, sum((decimal(row["energy_kwh"]) for row in priced), Decimal(0)))

    def by(self, key: Callable[[Row], Any], chosen: Iterable[Row]) -> dict[Any, list[Row]]:
        groups: dict[Any, list[Row]] = {}
        for row in chosen:
            groups.setdefault(key(row), []).append(row)
        return groups

    def period(self, first: date, last: date, station_id: str | None = None) -> Row:
        """The period report."""
        sessions, refused = self.between(first, last), self.refused_between(first, last)
        if station_id is not None:
            sessions = [row for row in sessions if row["station_id"] == station_id]
            refused = [row for row in refused if row["station_id"] == station_id]
        by_day, refused_by_day = self.by(self.day, sessions), self.by(self.day, refused)
        days = [first + n * _DAY for n in range((last - first).days + 1)]
        return {
            "from": first.isoformat(),
            "to": last.isoformat(),
            "timezone": str(self.zone),
            **self.use(sessions),
            "n_excluded": len(refused),
            "currency": self.currency,
            "by_day": [
                {
                    "day": day.isoformat(),
                    **self.use(by_day.get(day, [])),
                    "n_excluded": len(refused_by_day.get(day, [])),
                }
                for day in days
            ],
        }

    def occupied_h(self, station_id: str, first: date, last: date) -> float:
        """How long the station was taken in these days, each session cut at their edges."""
        since, until = day_start(first, self.zone), day_start(last + _DAY, self.zone)
        taken = timedelta()
        for row in self.sessions:
            if row["station_id"] == station_id and not self.is_forgotten(row):
                part = min(row["ended_at"], until) - max(row["started_at"], since)
                taken += max(part, timedelta())
        return taken / timedelta(hours=1)

    def charging_h(self, station_id: str, first: date, last: date) -> float:
        """The same of the time in which energy flowed, from plug-in on."""
        since, until = day_start(first, self.zone), day_start(last + _DAY, self.zone)
        charging = timedelta()
        for row in self.sessions:
            is_known = row["charging_duration_h"] is not None and not self.is_forgotten(row)
            if row["station_id"] == station_id and is_known:
                end = row["started_at"] + timedelta(hours=row["charging_duration_h"])
                charging += max(min(end, until) - max(row["started_at"], since), timedelta())
        return charging / timedelta(hours=1)

    @staticmethod
    def is_forgotten(row: Row) -> bool:
        length: timedelta = row["ended_at"] - row["started_at"]
        return length > timedelta(days=31)
