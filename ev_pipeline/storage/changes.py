"""The change log: what came into and went out of `ev_session`, and how far each reader is.

What lives here: the columns that every writer of the log copies, and the readers' horizons.
What does not: what a reader makes of the changes (`rollups` and others).

A reader's position is a transaction horizon, not a sequence number: a transaction that began early
and commits late has low numbers that a reader had already passed. Every transaction below
`pg_snapshot_xmin(pg_current_snapshot())` has ended, so what lies below it is there for good.
"""

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

CHANGED: Final = (
    "scope, station_id, user_id, started_at, ended_at, energy_kwh, charging_duration_h, cost,"
    " currency, quality_codes"
)
"""What the log says of a session, in `ev_session` and `ev_session_change` alike."""

LOG: Final = f"insert into ev_session_change (session_id, revision, kind, sign, {CHANGED})"
"""How every statement that changes sessions goes on: with a query for these columns."""


@dataclass(frozen=True, slots=True)
class Window:
    """The changes that a reader reads next: from its horizon to the oldest running transaction.

    Args:
        since: every change below it is read.
        until: every change below it is committed for good.
        state: what the reader remembers.
    """

    since: str
    until: str
    state: dict[str, Any]


def next_window(connection: sa.Connection, reader: str) -> Window | None:
    """What the reader reads next; null where it has never read.

    The caller holds the reader's lock, or is alone.
    """
    row = connection.execute(
        sa.text(
            """
            select horizon::text, pg_snapshot_xmin(pg_current_snapshot())::text, state
            from ev_reader where reader = :reader
            """
        ),
        {"reader": reader},
    ).one_or_none()
    return None if row is None else Window(*row)


def start_reader(connection: sa.Connection, reader: str, state: dict[str, Any]) -> None:
    """The reader reads from the beginning of the log, and remembers `state`."""
    connection.execute(
        sa.text(
            """
            insert into ev_reader (reader, horizon, seq, state, read_at)
            values (:reader, '0'::xid8, 0, :state, statement_timestamp())
            on conflict (reader) do update
            set horizon = excluded.horizon, seq = 0, state = excluded.state,
                read_at = excluded.read_at
            """
        ).bindparams(sa.bindparam("state", type_=sa.JSON())),
        {"reader": reader, "state": state},
    )


def horizon_now(connection: sa.Connection) -> str:
    """The oldest transaction that may still write; what comes later is found behind it."""
    statement = "select cast(pg_snapshot_xmin(pg_current_snapshot()) as text)"
    return str(connection.exec_driver_sql(statement).scalar_one())


def horizon_of(connection: sa.Connection, reader: str) -> str | None:
    """Below which every change is read by the reader; null where it has never read."""
    statement = sa.text("select horizon::text from ev_reader where reader = :reader")
    found: str | None = connection.scalar(statement, {"reader": reader})
    return found


def place_reader(connection: sa.Connection, reader: str, horizon: str) -> None:
    """The reader has read every change below the horizon, one way or the other."""
    since = horizon_of(connection, reader) or "0"
    connection.execute(
        sa.text(
            """
            insert into ev_reader (reader, horizon, seq, read_at)
            values (:reader, cast(:horizon as xid8), (
                select coalesce(max(seq), 0) from ev_session_change
                where xid >= cast(:since as xid8) and xid < cast(:horizon as xid8)
            ), statement_timestamp())
            on conflict (reader) do update
                set horizon = excluded.horizon, seq = greatest(ev_reader.seq, excluded.seq),
                    read_at = excluded.read_at
            """
        ),
        {"reader": reader, "since": since, "horizon": horizon},
    )


def advance(connection: sa.Connection, reader: str, window: Window) -> None:
    """The reader has read the window, in this transaction."""
    connection.execute(
        sa.text(
            """
            update ev_reader
            set horizon = cast(:until as xid8), read_at = statement_timestamp(),
                seq = greatest(seq, (
                    select coalesce(max(seq), 0) from ev_session_change
                    where xid >= cast(:since as xid8) and xid < cast(:until as xid8)))
            where reader = :reader
            """
        ),
        {"reader": reader, "since": window.since, "until": window.until},
    )
