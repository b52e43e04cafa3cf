"""Rollups: sums of sessions by time, folded from the change log and exact at any moment.

What lives here: folding the log, reading rollup and unfolded tail in one snapshot, and forming the
stations' days anew when the reporting zone changes. What does not: panels made of them.

Sums are numeric: float sums would depend on the order in which changes are folded, so that undoing
could leave crumbs. One compactor folds at a time; writers of sessions never wait for it.
"""

from typing import Final

import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline.storage import changes

_WORK_MEMORY: Final = "set local work_mem = '128MB'"
"""After a load of a million sessions there are some 200,000 sums: hashed in memory they take a
seventh of the time that they take sorted on disk. One compactor runs at a time."""

READER: Final = "rollups"
"""The compactor's name among the readers of the change log."""

COMPACTION_LOCK: Final = 0x65765F726F6C6C75
"""Advisory lock ("ev_rollu") of whoever folds or rebuilds."""

UNKNOWN_CURRENCY: Final = "XXX"
"""ISO 4217's code for no currency: a cost of which nobody says in what."""

_SUMS: Final = ("n_sessions", "energy_kwh", "duration_s", "n_charging", "charging_s", "cost")

_MEASURES: Final = f"""
    case when cost is null then '' else coalesce(currency, '{UNKNOWN_CURRENCY}') end as currency,
    sum(sign) as n_sessions,
    sum((sign * energy_kwh)::numeric) as energy_kwh,
    sum(extract(epoch from
        case when sign > 0 then ended_at - started_at else started_at - ended_at end
    )) as duration_s,
    coalesce(sum(sign) filter (where charging_duration_h is not null), 0) as n_charging,
    coalesce(sum((sign * charging_duration_h)::numeric * 3600), 0) as charging_s,
    coalesce(sum((sign * cost)::numeric), 0) as cost
"""

QUARTER: Final = "date_bin('15 minutes', started_at, timestamptz '2000-01-01 00:00:00+00')"
"""The quarter-hour, UTC: every zone's hours and days begin at one."""

_NETWORK: Final = ("ev_rollup_network", ("quarter_at", "currency"), f"{QUARTER} as quarter_at")
_STATION: Final = (
    "ev_rollup_station",
    ("scope", "station_id", "day", "currency"),
    "scope, station_id, (started_at at time zone :timezone)::date as day",
)

_WINDOW: Final = "xid >= cast(:since as xid8) and xid < cast(:until as xid8)"

_TAIL: Final = f"""
    xid >= coalesce((select horizon from ev_reader where reader = '{READER}'), '0'::xid8)
"""  # noqa: S608 -- constant name


def _grouped(keys: tuple[str, ...], key_values: str, condition: str) -> str:
    return f"""
        select {key_values}, {_MEASURES} from ev_session_change where {condition}
        group by {", ".join(keys[:-1])}, {len(keys)}
    """  # noqa: S608 -- constant names


def _is_something(total: str) -> str:
    """Whether any sum is not 0: the two sides of a correction may be folded in either order.

    Args:
        total: how a sum is written, with its name as `{name}`.
    """
    return "(" + " or ".join(f"{total.format(name=name)} <> 0" for name in _SUMS) + ")"


def _fold(table: str, keys: tuple[str, ...], key_values: str) -> sa.TextClause:
    columns = (*keys, *_SUMS)
    return sa.text(f"""
        merge into {table} r
        using ({_grouped(keys, key_values, _WINDOW)}) d
        on {" and ".join(f"r.{name} = d.{name}" for name in keys)}
        when matched and not {_is_something("r.{name} + d.{name}")} then delete
        when matched then
            update set {", ".join(f"{name} = r.{name} + d.{name}" for name in _SUMS)}
        when not matched and {_is_something("d.{name}")} then
            insert ({", ".join(columns)}) values ({", ".join(f"d.{name}" for name in columns)})
    """)  # noqa: S608 -- constant names


def _with_tail(table: str, keys: tuple[str, ...], key_values: str) -> str:
    key = ", ".join(keys)
    totals = ", ".join(f"sum({name}) as {name}" for name in _SUMS)
    return f"""
        select {key}, {totals}
        from (
            select {key}, {", ".join(_SUMS)} from {table}
            union all
            select {key}, {", ".join(_SUMS)} from ({_grouped(keys, key_values, _TAIL)}) tail
        ) both_parts
        group by {key}
        having {_is_something("sum({name})")}
    """  # noqa: S608 -- constant names


_COUNT: Final = sa.text(f"select count(*) from ev_session_change where {_WINDOW}")  # noqa: S608 -- constant condition

NETWORK_NOW: Final = _with_tail(*_NETWORK)
"""The network by quarter-hour and currency, exact in the statement's snapshot: a subquery."""

STATION_NOW: Final = _with_tail(*_STATION)
"""Stations by day and currency, exact in the statement's snapshot: a subquery that needs the
parameter `timezone`, the zone in which the rollup's days were formed."""


def compact(engine: sa.Engine, settings: Settings) -> int:
    """Fold what is committed for good; returns how many changes that were.

    The stations' days go on in the zone in which they were begun, whatever the reporting zone is
    by now: nobody's load fails or waits for it, and `rebuild_for_zone` forms them anew.
    """
    with engine.begin() as connection:
        _lock(connection)
        window = changes.next_window(connection, READER) or _start(connection, settings)
        return _fold_window(connection, window)


def zone_of_days(engine: sa.Engine) -> str | None:
    """The zone in which the stations' days are formed; null where there are none yet."""
    with engine.connect() as connection:
        window = changes.next_window(connection, READER)
    return None if window is None else str(window.state["timezone"])


def rebuild_for_zone(engine: sa.Engine, settings: Settings) -> bool:
    """The stations' days are those of the reporting zone; returns whether they had to be rebuilt.

    The whole log is folded again: the log holds everything that ever came and went.
    """
    with engine.begin() as connection:
        _lock(connection)
        window = changes.next_window(connection, READER)
        if window is None or window.state["timezone"] == settings.timezone:
            return False
        connection.execute(sa.text("delete from ev_rollup_network"))
        connection.execute(sa.text("delete from ev_rollup_station"))
        _fold_window(connection, _start(connection, settings))
        return True


def _start(connection: sa.Connection, settings: Settings) -> changes.Window:
    changes.start_reader(connection, READER, {"timezone": settings.timezone})
    window = changes.next_window(connection, READER)
    if window is None:
        raise RuntimeError("the reader that was just started has no position")
    return window


def _lock(connection: sa.Connection) -> None:
    connection.execute(sa.text(_WORK_MEMORY))
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(COMPACTION_LOCK)))


def _fold_window(connection: sa.Connection, window: changes.Window) -> int:
    bounds = {"since": window.since, "until": window.until}
    connection.execute(_fold(*_NETWORK), bounds)
    connection.execute(_fold(*_STATION), {**bounds, "timezone": window.state["timezone"]})
    count = connection.execute(_COUNT, bounds).scalar_one()
    changes.advance(connection, READER, window)
    return int(count)
