"""Where a load's records wait within its transaction, before anybody else sees them.

What lives here: the temporary tables and what each of their rows is. What does not: what becomes
of the rows (`decisions`, `overlaps`, `sessions`, `quarantine`).

Every table goes with the transaction, so nothing is left of a load that was killed.
"""

from typing import Final

import sqlalchemy as sa

from ev_pipeline.domain.session import SESSION_FIELDS

FIELDS: Final = tuple(field.name for field in SESSION_FIELDS)
"""The canonical fields, in the tables as on the wire."""

FIELD_LIST: Final = ", ".join(FIELDS)

INCOMING: Final = (
    "ordinal",
    "line",
    "session_id",
    *FIELDS,
    "started_local_at",
    "warnings",
    "notes",
    "account",
    "received_at",
)
"""The columns of `incoming`; the last two are null where they are the whole load's."""

_WORK_MEMORY: Final = "set local work_mem = '256MB'"
"""A load sorts and hashes a whole file: a million sessions fit, more go by way of the disk."""

_TABLES: Final = (
    # the records that passed validation, in the file's order
    f"""
    create temp table incoming on commit drop as
    select 0::bigint as ordinal, 0::bigint as line, session_id, {FIELD_LIST}, started_local_at,
        quality_codes as warnings, quality_codes as notes, source as account,
        received_at
    from ev_session with no data
    """,  # noqa: S608 -- constant column names
    # the records that did not
    """
    create temp table refused on commit drop as
    select 0::bigint as ordinal, 0::bigint as line, raw, raw_sha256, reasons, codes, session_id,
        source_session_id, station_id, connector_id, started_at, ended_at, origin as account,
        first_seen_at as received_at
    from ev_quarantine with no data
    """,
    # unfinished records that are known, and the load that had stored their session
    """
    create temp table finished on commit drop as
    select ordinal, session_id, account, 0::bigint as met_load from refused with no data
    """,
    # ids that come more than once, or are stored: their records are decided one after the other
    "create temp table met (session_id uuid) on commit drop",
    # those records, their place being their number; -1 is what is stored, below it what was
    f"""
    create temp table contested on commit drop as
    select ordinal as place, session_id, {FIELD_LIST}, notes, 0 as revision, 0::bigint as load_id
    from incoming with no data
    """,  # noqa: S608 -- constant column names
    # what was decided about them: stored, updated, duplicate or conflict; the revision of those
    # that are accepted; what is stored; the load whose revision makes one a duplicate
    """
    create temp table decided (
        ordinal bigint, session_id uuid, decision text, revision int, base_revision int,
        met_load bigint
    ) on commit drop
    """,
    # the rows to be written; those with a base replace that revision
    """
    create temp table landing (
        session_id uuid, ordinal bigint, base_revision int, revision int
    ) on commit drop
    """,
    # from when to when the file has sessions on a connector
    """
    create temp table span (
        station_id text, connector_id text, first_at timestamptz, last_at timestamptz
    ) on commit drop
    """,
    # the rows to be written whose connector has stored sessions in the file's time
    """
    create temp table neighboured on commit drop as
    select ordinal, station_id, connector_id, started_at, ended_at from incoming with no data
    """,
    # the rows to be written that overlap another session on their connector
    "create temp table overlapping (ordinal bigint) on commit drop",
)


def create_staging(connection: sa.Connection) -> None:
    """The transaction has empty staging tables; what an earlier job of it staged is gone."""
    connection.execute(sa.text("discard temp"))
    connection.execute(sa.text(_WORK_MEMORY))
    for statement in _TABLES:
        connection.execute(sa.text(statement))


def know_sizes(connection: sa.Connection, *tables: str) -> None:
    """The planner knows how much the staging tables hold.

    Args:
        connection: the load's transaction.
        tables: the tables, perhaps with the columns that statements join by, in brackets: to look
            at all columns of a wide one would take as long as a join.
    """
    connection.execute(sa.text(f"analyze {', '.join(tables)}"))
