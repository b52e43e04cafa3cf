"""Features of users and stations: of all of them anew, or of those that new sessions touch.

What lives here: who is touched since the last time, and how the tables take what was made of them.
What does not: the features' definitions (`domain.features`), and sessions' own (`features`).

What is stored while features are made is found behind the position that is noted before sessions
are read: whoever it touches is made again the next time.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.features import summarise_stations, summarise_users
from ev_pipeline.storage.bulk import copy_frame
from ev_pipeline.storage.changes import advance, horizon_now, next_window, place_reader
from ev_pipeline.storage.features import read_sessions, with_timestamps
from ev_pipeline.storage.tables.features import ev_station_features, ev_user_features


@dataclass(frozen=True, slots=True)
class Habits:
    """One table of features, and how it is made.

    Args:
        table: where it is kept; also the name of its reader of the change log.
        owner: the column that says whose habits they are, within a scope.
        summarise: makes it of sessions.
    """

    table: sa.Table
    owner: str
    summarise: Callable[[pl.LazyFrame], pl.LazyFrame]


USERS: Final = Habits(ev_user_features, "user_id", summarise_users)
STATIONS: Final = Habits(ev_station_features, "station_id", summarise_stations)


_CHOSEN: Final = """
    select o.scope, o.owner
    from jsonb_to_recordset(cast(cast(:owners as text) as jsonb)) o (scope text, owner text)
"""


def make_all(engine: sa.Engine, habits: Habits) -> pl.DataFrame:
    """Make the table hold everybody's features; readers see the old ones or the new.

    Returns:
        The rows as the table has them.
    """
    with engine.connect() as connection:
        horizon = horizon_now(connection)
    rows = _summarised(habits, read_sessions(engine))
    with engine.begin() as connection:
        connection.execute(sa.delete(habits.table))
        copy_frame(connection, habits.table.name, rows)
        place_reader(connection, habits.table.name, horizon)
    return rows


def make_touched(engine: sa.Engine, habits: Habits) -> pl.DataFrame:
    """Make the features anew of those whose sessions came, went or changed since the last time.

    Who has no session left has no row. Everybody is touched where nobody was ever made.

    Returns:
        The rows that were made, as the table has them.
    """
    with engine.connect() as connection:
        window = next_window(connection, habits.table.name)
    if window is None:
        return make_all(engine, habits)
    bounds: dict[str, Any] = {"since": window.since, "until": window.until}
    touched = _touched(habits.owner)
    # The array is found in the index; the pairs alone would be looked for in all sessions.
    owners = f"select owner from ({touched}) t (scope, owner)"  # noqa: S608 - our own names
    whose = (
        f"s.{habits.owner} = any (array ({owners})) and (s.scope, s.{habits.owner}) in ({touched})"
    )
    rows = _summarised(habits, read_sessions(engine, whose, bounds))
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                f"delete from {habits.table.name} where (scope, {habits.owner}) in ({touched})"  # noqa: S608 - our own names
            ),
            bounds,
        )
        copy_frame(connection, habits.table.name, rows)
        advance(connection, habits.table.name, window)
    return rows


def make_of(engine: sa.Engine, habits: Habits, owners: list[tuple[str, str]]) -> pl.DataFrame:
    """Make the features of these anew; who has no session has no row.

    Args:
        engine: the database.
        habits: whose.
        owners: scope and id of each.

    Returns:
        The rows that were made, as the table has them.
    """
    names = {"owners": json.dumps([{"scope": scope, "owner": owner} for scope, owner in owners])}
    whose = (
        f"s.{habits.owner} = any (array (select owner from ({_CHOSEN}) c))"  # noqa: S608 - our own names
        f" and (s.scope, s.{habits.owner}) in ({_CHOSEN})"
    )
    rows = _summarised(habits, read_sessions(engine, whose, names))
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                f"delete from {habits.table.name} where (scope, {habits.owner}) in ({_CHOSEN})"  # noqa: S608 - our own names
            ),
            names,
        )
        copy_frame(connection, habits.table.name, rows)
    return rows


def _summarised(habits: Habits, sessions: pl.DataFrame) -> pl.DataFrame:
    return with_timestamps(habits.summarise(sessions.lazy()).collect(), habits.table)


def _touched(owner: str) -> str:
    return f"""
        select c.scope, c.{owner} from ev_session_change c
        where c.xid >= cast(cast(:since as text) as xid8)
            and c.xid < cast(cast(:until as text) as xid8) and c.{owner} is not null
    """  # noqa: S608 - our own names
