"""Sums of sessions by day, week, hour or station, exact in a snapshot.

What lives here: the queries over rollups and their tails. What does not: means, shares and other
figures made of the sums (`panels.measures`), and days without sessions.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from ev_pipeline.domain.periods import Period
from ev_pipeline.storage.panel_snapshot import Snapshot
from ev_pipeline.storage.rollup_shapes import DAY, NETWORK, STATION, Rollup
from ev_pipeline.storage.rollups import TAIL_OF_SNAPSHOT, both_parts

_SUMS: Final = """
    coalesce(sum(n_sessions), 0)::bigint as n_sessions,
    coalesce(sum(energy_kwh), 0) as energy_kwh,
    coalesce(sum(duration_s), 0) as duration_s,
    coalesce(sum(n_charging), 0)::bigint as n_charging,
    coalesce(sum(charging_s), 0) as charging_s,
    coalesce(sum(n_idle), 0)::bigint as n_idle,
    coalesce(sum(idle_s), 0) as idle_s,
    coalesce(sum(n_sessions) filter (where currency = ''), 0)::bigint as n_cost_null,
    coalesce(
        sum(n_sessions) filter (where currency not in ('', :currency)), 0
    )::bigint as n_other_currency,
    coalesce(sum(energy_kwh) filter (where currency = :currency), 0) as priced_energy_kwh,
    coalesce(sum(cost) filter (where currency = :currency), 0) as cost
"""

_IN_PERIOD: Final = "day between :first_day and :last_day"


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over some sessions, exact.

    Args:
        n_sessions: sessions.
        energy_kwh: energy, kWh.
        duration_s: time plugged in, s.
        n_charging: sessions with a known charging duration.
        charging_s: their charging time, s.
        n_idle: sessions of which is known how long they stayed after charging.
        idle_s: how long that was, s.
        n_cost_null: sessions whose cost is unknown.
        n_other_currency: sessions with a cost in another currency, or in nobody knows which.
        priced_energy_kwh: energy of sessions with a cost in the reporting currency, kWh.
        cost: their cost.
    """

    n_sessions: int = 0
    energy_kwh: Decimal = Decimal(0)
    duration_s: Decimal = Decimal(0)
    n_charging: int = 0
    charging_s: Decimal = Decimal(0)
    n_idle: int = 0
    idle_s: Decimal = Decimal(0)
    n_cost_null: int = 0
    n_other_currency: int = 0
    priced_energy_kwh: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)

    @property
    def n_priced(self) -> int:
        """Sessions with a cost in the reporting currency."""
        return self.n_sessions - self.n_cost_null - self.n_other_currency


NOTHING: Final = Sums()
"""No session."""


def add_sums(parts: list[Sums]) -> Sums:
    """All of them together."""
    return Sums(*(sum(getattr(part, name) for part in parts) for name in Sums.__slots__))


def sums_of_all(snapshot: Snapshot) -> Sums:
    """Every stored session."""
    return _read(snapshot, DAY, by="0").get(0, NOTHING)


def busy_days(snapshot: Snapshot) -> list[date]:
    """The days on which a session starts, in order."""
    statement = f"""
        select day from ({both_parts(DAY, TAIL_OF_SNAPSHOT)}) r
        group by day having sum(n_sessions) > 0 order by day
    """  # noqa: S608 -- a constant
    return [row["day"] for row in snapshot.ask(statement)]


def last_day(snapshot: Snapshot) -> date | None:
    """The last day on which a session starts; null where there is no session."""
    days = busy_days(snapshot)
    return days[-1] if days else None


def sums_by_day(snapshot: Snapshot, period: Period) -> dict[date, Sums]:
    """The network's days of the period; those without sessions are left out."""
    return _read(snapshot, DAY, by="day", where=_IN_PERIOD, **_days(period))


def sums_by_week(snapshot: Snapshot) -> dict[date, Sums]:
    """The network's ISO weeks by their Mondays."""
    return _read(snapshot, DAY, by="date_trunc('week', day)::date")


def sums_by_month(snapshot: Snapshot) -> dict[date, Sums]:
    """The network's months by their first days."""
    return _read(snapshot, DAY, by="date_trunc('month', day)::date")


def sums_by_weekday_and_hour(snapshot: Snapshot, period: Period) -> dict[int, Sums]:
    """Sessions of the period by the hour of the week in which they start.

    Returns:
        Sums by 24 x weekday + hour on the reporting zone's clock, from Monday at 0 as 0.
    """
    local = "quarter_at at time zone :timezone"
    by = f"((extract(isodow from {local}) - 1) * 24 + extract(hour from {local}))::int"
    return _read(
        snapshot,
        NETWORK,
        by=by,
        where="quarter_at >= :since and quarter_at < :until",
        since=period.since,
        until=period.until,
    )


def sums_of_station_by_day(
    snapshot: Snapshot, station_id: str, scopes: list[str], period: Period
) -> dict[date, Sums]:
    """The days of stations of one id, in the period; those without sessions are left out.

    Args:
        snapshot: the moment.
        station_id: the id.
        scopes: the operators that have such a station.
        period: the days.
    """
    where = f"station_id = :station_id and scope = any(:scopes) and {_IN_PERIOD}"
    given = {"station_id": station_id, "scopes": scopes, **_days(period)}
    return _read(snapshot, STATION, by="day", where=where, **given)


def _days(period: Period) -> dict[str, date]:
    return {"first_day": period.first_day, "last_day": period.last_day}


def _read(
    snapshot: Snapshot, rollup: Rollup, *, by: str, where: str = "true", **given: Any
) -> dict[Any, Sums]:
    """Sums by one expression over the rollup's keys.

    PostgreSQL takes conditions on keys into both parts of the subquery, so that little is read.
    """
    statement = f"""
        select {by} as bucket, {_SUMS} from ({both_parts(rollup, TAIL_OF_SNAPSHOT)}) r where {where}
        group by 1 having sum(n_sessions) > 0
    """  # noqa: S608 -- constant names
    rows = (row.values() for row in snapshot.ask(statement, **given))
    return {bucket: Sums(*sums) for bucket, *sums in rows}
