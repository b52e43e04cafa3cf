"""Where a load's records wait within its transaction, before anybody else sees them.

What lives here: the temporary tables and what each of their rows is. What does not: what becomes
of the rows (`decisions`, `overlaps`, `sessions`, `quarantine`).

A connection makes the tables once: making them takes longer than storing a stream's batch. The next
job empties them, by deleting: to have each commit truncate them took longer than all the rest of a
stream's batch, for that waits for the file system. Nothing is left of a load that was killed: its
rows are taken back with its transaction.
"""

from time import monotonic
from typing import Final

import sqlalchemy as sa

from ev_pipeline.domain.session import SESSION_FIELDS
from ev_pipeline.storage.planned import later, plan_for, planned

FIELDS: Final = tuple(field.name for field in SESSION_FIELDS)
"""The canonical fields, in the tables as on the wire."""

FIELD_LIST: Final = ", ".join(FIELDS)

INCOMING: Final = (
    "ordinal",
    "line",
    "session_id",
    *FIELDS,
    "started_local_at",
    "stated_weekday",
    "warnings",
    "notes",
    "account",
    "received_at",
    "connector_number",
)
"""The columns of `incoming`. Account and receipt are null where they are the whole load's; the last
counts the connectors that the load's records name, and is null where a record names none."""

_WORK_MEMORY: Final = "256MB"
"""A load sorts and hashes a whole file: a million sessions fit, more go by way of the disk."""

MANY: Final = 5_000
"""Rows from which the planner is told how many there are: for fewer, telling takes longer than the
worst plan."""

_TABLES: Final = (
    # the records that passed validation, in the file's order
    f"""
    create temp table incoming as
    select 0::bigint as ordinal, 0::bigint as line, session_id, {FIELD_LIST}, started_local_at,
        stated_weekday, quality_codes as warnings, quality_codes as notes, source as account,
        received_at, 0 as connector_number
    from ev_session with no data
    """,  # noqa: S608 -- constant column names
    # the records that did not
    """
    create temp table refused as
    select 0::bigint as ordinal, 0::bigint as line, raw, raw_sha256, header_sha256, reasons, codes,
        session_id, source_session_id, station_id, connector_id, started_at, ended_at,
        origin as account, first_seen_at as received_at, delivery_id
    from ev_quarantine with no data
    """,
    # unfinished records that are known, and the load that had stored their session
    """
    create temp table finished as
    select ordinal, session_id, account, 0::bigint as met_load from refused with no data
    """,
    # ids that come more than once, or are stored: their records are decided one after the other;
    # those that somebody else has stored meanwhile are decided in a later round
    "create temp table met (session_id uuid, round int)",
    # those records, their place being their number; -1 is what is stored, below it what was
    f"""
    create temp table contested as
    select ordinal as place, session_id, {FIELD_LIST}, notes, 0 as revision, 0::bigint as load_id
    from incoming with no data
    """,  # noqa: S608 -- constant column names
    # what was decided about them: stored, updated, duplicate or conflict; the revision of those
    # that are accepted; what is stored; the load whose revision makes one a duplicate
    """
    create temp table decided (
        ordinal bigint, session_id uuid, decision text, revision int, base_revision int,
        met_load bigint
    )
    """,
    # of those that were decided, the records to be written; with a base they replace that revision
    """
    create temp table landed (
        session_id uuid, ordinal bigint, base_revision int, revision int
    )
    """,
    # connectors with stored sessions in the file's time, and from when to when those take them
    """
    create temp table busy (
        connector_number int, station_id text, connector_id text, busy_from timestamptz,
        busy_until timestamptz
    )
    """,
    # the rows to be written that overlap another session on their connector
    "create temp table overlapping (ordinal bigint)",
    # from when to when sessions with two readings are on a connector
    """
    create temp table place (
        station_id text, connector_id text, first_at timestamptz, last_at timestamptz
    )
    """,
    # what the records tell of stations that are not known, or whose zone is not
    """
    create temp table named_station as
    select station_id, name, latitude, longitude, time_zone from ev_station with no data
    """,
)

_NAMES: Final = tuple(statement.split()[3] for statement in _TABLES)

_EMPTY: Final = planned(
    f"with {', '.join(f'{name}_ as (delete from {name})' for name in _NAMES)} select"  # noqa: S608 -- our names
)

_MOST_BYTES: Final = 1 << 19
"""Of tables that are emptied by deleting, which leaves dead rows in the way of all that reads them;
beyond it they are truncated. So a small batch truncates nothing some hundred times."""

_LANDING: Final = """
    create temp view landing as
    select i.*, cast(null as int) as base_revision, 1 as revision
    from incoming i
    where not exists (select from met where met.session_id = i.session_id)
    union all
    select i.*, l.base_revision, l.revision from landed l join incoming i using (ordinal)
"""
"""The records to be written: what is met nowhere is new, and needs no row to say so."""


_LOOK: Final = planned("""
    select pg_table_size(to_regclass('pg_temp.incoming'))
            + pg_table_size(to_regclass('pg_temp.refused'))
            + pg_table_size(to_regclass('pg_temp.contested')),
        pg_relation_size('ev_session')
""")
"""How many bytes the staging tables take that may be large, null where there are none yet, and how
many all sessions take."""

_LOOK_EVERY: Final = 1_000
_LOOK_EVERY_S: Final = 60.0
"""Records and seconds after which it is looked again how many bytes that is: to look at each small
batch would take as long as to empty the tables."""

_LOOKED: Final = "ev_staging_looked"
_MADE_BY: Final = "ev_staging_made_by"

_SET_MEMORY: Final = planned("select set_config('work_mem', :work_memory, true)")


def open_staging(connection: sa.Connection, n_records: int | None = None) -> None:
    """The transaction has empty staging tables; what an earlier job staged is gone.

    Args:
        connection: the transaction.
        n_records: how many records will be staged; null where nobody knows.
    """
    later(connection, _SET_MEMORY, work_memory=_WORK_MEMORY)
    left, looked_at = connection.info.pop(_LOOKED, (0, 0.0))
    left -= n_records or _LOOK_EVERY
    is_known = left > 0 and monotonic() - looked_at < _LOOK_EVERY_S
    if is_known:
        connection.info[_LOOKED] = left, looked_at
    if is_known or _has_small_tables(connection):
        later(connection, _EMPTY)


def _has_small_tables(connection: sa.Connection) -> bool:
    """Whether there are tables to be emptied by deleting; else they are made, or truncated."""
    n_bytes, stored_bytes = connection.execute(_LOOK).one()
    plan_for(connection, stored_bytes)
    transaction = connection.get_transaction()
    if n_bytes is None:
        for statement in (*_TABLES, _LANDING):
            connection.execute(sa.text(statement))
        connection.info[_MADE_BY] = transaction
        return False
    if connection.info.get(_MADE_BY) is not transaction:
        # They are another's, which was committed: they stay as long as the connection.
        connection.info[_LOOKED] = _LOOK_EVERY, monotonic()
    if n_bytes > _MOST_BYTES:
        connection.exec_driver_sql(f"truncate {', '.join(_NAMES)}")
        return False
    return True


def know_sizes(connection: sa.Connection, n_rows: int, *tables: str) -> None:
    """The planner knows how much the staging tables hold, where it plans for much.

    Args:
        connection: the load's transaction.
        n_rows: how many rows the largest staging table holds: a small one that is taken for large
            costs as much as a large one that is taken for small.
        tables: the tables, perhaps with the columns that statements join by, in brackets: to look
            at all columns of a wide one would take as long as a join.
    """
    if n_rows >= MANY:
        connection.execute(sa.text(f"analyze {', '.join(tables)}"))
