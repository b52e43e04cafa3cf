"""Former revisions of sessions that were never stored themselves.

What lives here: keeping what a file brought of a session before it brought its last version, so
that the same file, loaded again, is known from its first record to its last. What does not: stored
revisions that a load replaces (`sessions`), and what former revisions decide (`decisions`).
"""

from typing import Final

import sqlalchemy as sa

from ev_pipeline.storage.staging import FIELD_LIST

_KEEP_PASSED: Final = sa.text(f"""
    insert into ev_session_history (session_id, revision, load_id, replaced_by_load, session)
    select session_id, revision, load_id, load_id, to_jsonb(passed)
    from (
        select session_id, d.revision, cast(:scope as text) as scope,
            coalesce(account, :source) as source, {FIELD_LIST}, started_local_at,
            cast(:resolution_s as float8) as resolution_s,
            case when cardinality(warnings) > 0 then 'warning' else 'valid' end as quality,
            warnings || notes as quality_codes, cast(:door as text) as door,
            cast(:load_id as bigint) as load_id,
            coalesce(received_at, :received_at) as received_at
        from decided d
        join incoming using (ordinal, session_id)
        join landed l using (session_id)
        where decision in ('stored', 'updated') and d.ordinal <> l.ordinal
    ) passed
""")  # noqa: S608 -- constant column names
"""Replaced by the load that brought them: only together with it are they taken back."""


def keep_passed(connection: sa.Connection, **origin: object) -> None:
    """What later records of the same file replaced is a former revision of its session.

    Args:
        connection: the load's transaction, its sessions written.
        origin: `scope`, `source`, `door`, `load_id`, `received_at` and `resolution_s` of the
            records.
    """
    connection.execute(_KEEP_PASSED, origin)
