"""Sessions come into `ev_session`, each with its change in the same statement.

What lives here: writing what `landing` holds. What does not: deciding it (`decisions`,
`overlaps`), and taking it back (`undo`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from psycopg2.errors import UniqueViolation
from sqlalchemy.exc import IntegrityError

from ev_pipeline.storage.changes import CHANGED, LOG
from ev_pipeline.storage.decisions import decide_losers_again
from ev_pipeline.storage.overlaps import OVERLAP
from ev_pipeline.storage.planned import planned
from ev_pipeline.storage.staging import FIELD_LIST, MANY

_ROW: Final = (
    f"session_id, revision, scope, source, {FIELD_LIST}, started_local_at,"
    " stated_weekday, resolution_s, quality, quality_codes, door, load_id, received_at"
)

_LANDING_ROWS: Final = f"""
    select session_id, revision, :scope as scope, coalesce(account, :source) as source,
        {FIELD_LIST}, started_local_at, stated_weekday,
        cast(:resolution_s as float8) as resolution_s,
        case when cardinality(warnings) > 0 or o.ordinal is not null
            then 'warning' else 'valid' end as quality,
        warnings || case when o.ordinal is null then notes
            else cast('{{{OVERLAP}}}' as text[]) || notes end as quality_codes,
        :door as door, cast(:load_id as bigint) as load_id,
        coalesce(received_at, :received_at) as received_at, base_revision
    from landing
    left join (select distinct ordinal from overlapping) o using (ordinal)
"""  # noqa: S608 -- constant column names


def _insert(on_conflict: str) -> sa.TextClause:
    return planned(f"""
        with written as (
            insert into ev_session ({_ROW})
            select {_ROW} from ({_LANDING_ROWS} where base_revision is null) fresh
            order by session_id
            {on_conflict}
            returning session_id, revision, {CHANGED}
        ), logged as (
            {LOG}
            select session_id, revision, 'insert', 1, {CHANGED} from written
            returning 1
        )
        select (select count(*) from logged) as n_written,
            exists (select from overlapping) as has_overlaps
    """)  # noqa: S608 -- constant column names


_INSERT: Final = _insert("")
_INSERT_WHAT_IS_LEFT: Final = _insert("on conflict (session_id) do nothing")
"""In order of id: two writers of the same sessions wait for each other and cannot deadlock."""

_LOCK_REPLACED: Final = sa.text("""
    select count(*)
    from (
        select from ev_session
        where session_id in (select session_id from landed where base_revision is not null)
        order by session_id
        for update
    ) locked
""")

_REPLACE: Final = sa.text(f"""
    with old as materialized (
        select s.*
        from landed l
        join ev_session s on s.session_id = l.session_id and s.revision = l.base_revision
    ), new as (
        update ev_session s
        set ({_ROW}) = row({", ".join(f"r.{column.strip()}" for column in _ROW.split(","))})
        from ({_LANDING_ROWS} where base_revision is not null) r
        where s.session_id = r.session_id and s.revision = r.base_revision
        returning s.*
    ), kept as (
        insert into ev_session_history (session_id, revision, load_id, replaced_by_load, session)
        select o.session_id, o.revision, o.load_id, :load_id, to_jsonb(o)
        from old o join new using (session_id)
    )
    {LOG}
    select session_id, revision, 'correction', sign, {CHANGED}
    from (
        select -1 as sign, old.* from old where session_id in (select session_id from new)
        union all
        select 1, new.* from new
    ) both_sides
    order by session_id, sign
""")  # noqa: S608 -- constant column names


@dataclass(frozen=True, slots=True)
class Written:
    """What is known once sessions are written.

    Args:
        is_contested: whether any record had to be decided.
        has_overlaps: whether any of `incoming` shares time with another session.
    """

    is_contested: bool
    has_overlaps: bool


def write_sessions(
    connection: sa.Connection,
    *,
    is_contested: bool,
    n_incoming: int,
    has_corrections: bool,
    **origin: str | float | datetime | None,
) -> Written:
    """Everything in `landing` is written, or decided again where somebody else was first.

    Args:
        connection: the load's transaction.
        is_contested: whether any record had to be decided.
        n_incoming: how many records there are.
        has_corrections: whether other content for a stored id is a correction.
        origin: `scope`, `source`, `door`, `load_id` (null for the stream), `received_at` and
            `resolution_s` of the records.
    """
    written = 0
    while True:
        has_to_be_fast = not written and n_incoming >= MANY
        n_added, has_overlaps = _add(connection, origin, has_to_be_fast=has_to_be_fast)
        written += n_added
        written += _replace(connection, origin) if is_contested else 0
        if written == (_count_landing(connection) if is_contested else n_incoming):
            return Written(is_contested, has_overlaps)
        decide_losers_again(connection, n_incoming=n_incoming, has_corrections=has_corrections)
        is_contested = True


def _add(
    connection: sa.Connection, origin: dict[str, Any], *, has_to_be_fast: bool
) -> tuple[int, bool]:
    """Write new sessions; returns how many nobody else had written, and whether any overlaps.

    To be ready for a conflict costs a quarter of the time, and conflicts are rare: hence, for many,
    one try without, taken back if somebody else did write one of them meanwhile.
    """
    if has_to_be_fast:
        try:
            with connection.begin_nested():
                return _answer(connection.execute(_INSERT, origin))
        except IntegrityError as error:
            if not isinstance(error.orig, UniqueViolation):
                raise
    return _answer(connection.execute(_INSERT_WHAT_IS_LEFT, origin))


def _answer(result: sa.CursorResult[Any]) -> tuple[int, bool]:
    row = result.one()
    return row.n_written, row.has_overlaps


def _replace(connection: sa.Connection, origin: dict[str, Any]) -> int:
    """Write corrections; returns how many rows they replaced."""
    if not connection.execute(_LOCK_REPLACED).scalar_one():
        return 0
    changes: int = connection.execute(_REPLACE, origin).rowcount
    return changes // 2


def _count_landing(connection: sa.Connection) -> int:
    return int(connection.execute(sa.text("select count(*) from landing")).scalar_one())
