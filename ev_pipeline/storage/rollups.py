"""Rollups: sums of sessions by time, folded from the change log and exact at any moment.

What lives here: folding the log, reading rollup and unfolded tail in one snapshot, and forming the
stations' days anew when the reporting zone changes. What does not: panels made of them.

Sums are numeric: float sums would depend on the order in which changes are folded, so that undoing
could leave crumbs. One compactor folds at a time; writers of sessions never wait for it.
"""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline.storage import changes
from ev_pipeline.storage import rollup_shapes as shapes
from ev_pipeline.storage.rollup_shapes import Rollup

_WORK_MEMORY: Final = "set local work_mem = '128MB'"
"""After a load of a million sessions there are some 200,000 sums: hashed in memory they take a
seventh of the time that they take sorted on disk. One compactor runs at a time."""

READER: Final = "rollups"
"""The compactor's name among the readers of the change log."""

COMPACTION_LOCK: Final = 0x65765F726F6C6C75
"""Advisory lock ("ev_rollu") of whoever folds or rebuilds."""

_WINDOW: Final = "xid >= cast(:since as xid8) and xid < cast(:until as xid8)"

TAIL: Final = f"""
    xid >= coalesce((select horizon from ev_reader where reader = '{READER}'), '0'::xid8)
"""  # noqa: S608 -- constant name
"""The changes that are not folded yet."""

TAIL_OF_SNAPSHOT: Final = "xid >= cast(:horizon as xid8)"
"""The same for a statement that is given the compactor's horizon of its own snapshot: then the
planner knows how short the tail is, and a panel takes a third of the time."""


def _is_something(rollup: Rollup, total: str) -> str:
    """Whether any sum is not 0: the two sides of a correction may be folded in either order.

    Args:
        rollup: whose sums.
        total: how a sum is written, with its name as `{name}`.
    """
    return "(" + " or ".join(f"{total.format(name=name)} <> 0" for name in rollup.sums) + ")"


def _fold(rollup: Rollup, source: str) -> sa.TextClause:
    columns = (*rollup.keys, *rollup.sums)
    return sa.text(f"""
        merge into {rollup.table} r
        using ({source}) d
        on {" and ".join(f"r.{name} = d.{name}" for name in rollup.keys)}
        when matched and not {_is_something(rollup, "r.{name} + d.{name}")} then delete
        when matched then
            update set {", ".join(f"{name} = r.{name} + d.{name}" for name in rollup.sums)}
        when not matched and {_is_something(rollup, "d.{name}")} then
            insert ({", ".join(columns)}) values ({", ".join(f"d.{name}" for name in columns)})
    """)  # noqa: S608 -- constant names


def with_tail(rollup: Rollup, tail: str = TAIL) -> str:
    """The rollup, exact in the statement's snapshot: a subquery.

    It needs the parameter `timezone`, the zone in which the rollups' days are formed, where the
    rollup has days.

    Args:
        rollup: which.
        tail: the condition for what is not folded; with `TAIL_OF_SNAPSHOT` it needs the parameter
            `horizon`.
    """
    key = ", ".join(rollup.keys)
    totals = ", ".join(f"sum({name}) as {name}" for name in rollup.sums)
    return f"""
        select {key}, {totals} from ({both_parts(rollup, tail)}) both_parts
        group by {key}
        having {_is_something(rollup, "sum({name})")}
    """  # noqa: S608 -- constant names


def both_parts(rollup: Rollup, tail: str = TAIL) -> str:
    """The rollup's rows, and beside them the tail's, for whoever sums them: a subquery.

    Args:
        rollup: which.
        tail: as for `with_tail`.
    """
    columns = ", ".join((*rollup.keys, *rollup.sums))
    return f"""
        select {columns} from {rollup.table}
        union all
        select {columns} from ({rollup.query(tail)}) tail
    """  # noqa: S608 -- constant names


_QUARTERS: Final = "folding_quarters"
"""The window's quarter-hours, summed once for themselves and for the days."""

_STATIONS: Final = "folding_stations"
"""The window's stations by day, summed once for themselves and for the stations as a whole."""

_FOLDS: Final = (
    sa.text(
        f"create temp table {_QUARTERS} on commit drop as {shapes.network_by_quarter(_WINDOW)}"
    ),
    _fold(shapes.NETWORK, f"table {_QUARTERS}"),
    _fold(shapes.DAY, shapes.day_of_quarters(_QUARTERS)),
    sa.text(f"create temp table {_STATIONS} on commit drop as {shapes.stations_by_day(_WINDOW)}"),
    _fold(shapes.STATION, f"table {_STATIONS}"),
    _fold(shapes.STATION_WHOLE, shapes.whole_of_stations(_STATIONS)),
    *(
        _fold(rollup, rollup.query(_WINDOW))
        for rollup in (shapes.USER, shapes.CODE, shapes.OCCUPANCY)
    ),
)

_COUNT: Final = sa.text(f"select count(*) from ev_session_change where {_WINDOW}")  # noqa: S608 -- constant condition


def compact(engine: sa.Engine, settings: Settings) -> int:
    """Fold what is committed for good; returns how many changes that were.

    The stations' days go on in the zone in which they were begun, whatever the reporting zone is
    by now: nobody's load fails or waits for it, and `rebuild_for_zone` forms them anew.
    """
    with engine.begin() as connection:
        _lock(connection)
        window = changes.next_window(connection, READER) or _start(connection, settings)
        return _fold_window(connection, window)


def keep_from_folding(connection: sa.Connection) -> None:
    """Nobody folds the log until this transaction ends."""
    _lock(connection)


def take_users_out(connection: sa.Connection, condition: str, names: Mapping[str, Any]) -> None:
    """Sums by user hold nothing of the log's rows that meet the condition.

    To be called before these rows lose their user: what is not folded yet then never will be, and
    nobody folds until the transaction ends.

    Args:
        connection: the transaction in which they do.
        condition: SQL about rows of the log.
        names: values of its parameters.
    """
    _lock(connection)
    connection.execute(
        _fold(shapes.USER, _taken_out(f"({condition}) and not ({TAIL})")), dict(names)
    )


def _taken_out(condition: str) -> str:
    keys, sums = shapes.USER.keys, shapes.USER.sums
    negated = ", ".join(f"-{name} as {name}" for name in sums)
    return f"select {', '.join(keys)}, {negated} from ({shapes.USER.query(condition)}) folded"  # noqa: S608 -- constant names


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
        for rollup in shapes.ROLLUPS:
            connection.execute(sa.text(f"delete from {rollup.table}"))  # noqa: S608 -- a constant
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
    for fold in _FOLDS:
        connection.execute(fold, {**bounds, "timezone": window.state["timezone"]})
    count = connection.execute(_COUNT, bounds).scalar_one()
    changes.advance(connection, READER, window)
    return int(count)
