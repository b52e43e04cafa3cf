"""Counts beside the sums: stations, users, refused records, codes, exact in a snapshot.

What lives here: queries that answer with a few numbers. What does not: sums of sessions
(`panel_sums`) and lists of them (`panel_lists`).
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from ev_pipeline.domain.periods import Period
from ev_pipeline.storage.panel_snapshot import Snapshot
from ev_pipeline.storage.rollup_shapes import CODE, DAY
from ev_pipeline.storage.rollups import TAIL_OF_SNAPSHOT, with_tail

_USERS: Final = f"""
    with tail as (
        select scope, user_id, sum(sign) as n_changed from ev_session_change
        where user_id is not null and {TAIL_OF_SNAPSHOT} group by 1, 2
    )
    select (select count(*) from ev_rollup_user where n_sessions > 0) + coalesce(sum(
        (coalesce(r.n_sessions, 0) + n_changed > 0)::int - (coalesce(r.n_sessions, 0) > 0)::int
    ), 0)
    from tail left join ev_rollup_user r using (scope, user_id)
"""  # noqa: S608 -- constant names
"""What is folded, and what the tail makes of it: a user is looked up only if the tail names one."""

_STATIONS: Final = f"""
    select count(*) from (
        select scope, station_id from (
            select scope, station_id, n_sessions from ev_rollup_station_whole
            union all
            select scope, station_id, sign from ev_session_change where {TAIL_OF_SNAPSHOT}
        ) both_parts
        group by 1, 2 having sum(n_sessions) > 0
    ) stations
"""  # noqa: S608 -- constant names

_REFUSED: Final = """
    select (started_at at time zone :timezone)::date as day, count(*)
    from ev_quarantine
    where state = 'open' and started_at >= :since and started_at < :until
        and (cast(:station_id as text) is null or station_id = :station_id)
    group by 1
"""


def count_users(snapshot: Snapshot) -> int:
    """Users of stored sessions; sessions that name nobody do not count."""
    return int(_one(snapshot, _USERS))


def count_stations(snapshot: Snapshot) -> int:
    """Stations with a stored session."""
    return int(_one(snapshot, _STATIONS))


def last_session_at(snapshot: Snapshot) -> datetime | None:
    """When the last session ended; null where there is none."""
    found: datetime | None = _one(snapshot, "select max(ended_at) from ev_session")
    return found


def count_refused(snapshot: Snapshot) -> int:
    """Records in quarantine, also those whose start nobody can read."""
    return int(_one(snapshot, "select count(*) from ev_quarantine where state = 'open'"))


def refused_by_day(
    snapshot: Snapshot, period: Period, *, station_id: str | None = None
) -> dict[date, int]:
    """Records in quarantine by the day of their readable start, those of one station or all."""
    given = {"since": period.since, "until": period.until, "station_id": station_id}
    rows = (row.values() for row in snapshot.ask(_REFUSED, **given))
    return {day: int(count) for day, count in rows}


def refused_by_code(snapshot: Snapshot) -> dict[str, int]:
    """Records in quarantine by reason; one with several counts for each."""
    return _by_name(
        snapshot,
        "select code, count(*) from ev_quarantine cross join lateral unnest(codes) code"
        " where state = 'open' group by 1 order by 2 desc, 1",
    )


def refused_by_origin(snapshot: Snapshot) -> dict[str, int]:
    """Records in quarantine by the account or the file source that they came by."""
    return _by_name(
        snapshot,
        "select origin, count(*) from ev_quarantine where state = 'open'"
        " group by 1 order by 2 desc, 1",
    )


def sessions_by_code(snapshot: Snapshot) -> dict[str, int]:
    """Stored sessions by warning or note; one with several counts for each."""
    statement = (
        f"select code, n_sessions from ({with_tail(CODE, TAIL_OF_SNAPSHOT)}) r order by 2 desc, 1"  # noqa: S608 -- a constant
    )
    return _by_name(snapshot, statement)


def costs_by_currency(snapshot: Snapshot) -> list[Mapping[str, Any]]:
    """Sessions with a cost and what they cost, by currency."""
    statement = f"""
        select currency, sum(n_sessions)::bigint as n_sessions, sum(cost) as cost
        from ({with_tail(DAY, TAIL_OF_SNAPSHOT)}) r where currency <> ''
        group by 1 order by 2 desc, 1
    """  # noqa: S608 -- a constant
    return snapshot.ask(statement)


def ledger_by_source(snapshot: Snapshot) -> list[Mapping[str, Any]]:
    """What came in by each door and source, and what became of it."""
    statement = """
        select door, source, sum(received)::bigint as received, sum(stored)::bigint as stored,
            sum(updated)::bigint as updated, sum(duplicate)::bigint as duplicate,
            sum(quarantined)::bigint as quarantined
        from ev_ledger group by 1, 2 order by 3 desc, 1, 2
    """
    return snapshot.ask(statement)


def scopes_of_station(snapshot: Snapshot, station_id: str) -> list[str]:
    """The operators that have a station of this id; none if nobody has."""
    statement = "select scope from ev_station where station_id = :station_id order by 1"
    return [row["scope"] for row in snapshot.ask(statement, station_id=station_id)]


def _one(snapshot: Snapshot, statement: str) -> Any:
    (value,) = snapshot.ask(statement)[0].values()
    return value


def _by_name(snapshot: Snapshot, statement: str) -> dict[str, int]:
    return {name: int(count) for name, count in (row.values() for row in snapshot.ask(statement))}
