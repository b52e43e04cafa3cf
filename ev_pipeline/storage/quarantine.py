"""Quarantine: refused records with their reasons, counted each time they come.

What lives here: writing and settling entries. What does not: judging records (`ev_pipeline.domain`)
and looking entries up for people (`quarantine_queries`).
"""

from datetime import datetime
from typing import Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.storage.planned import later, planned
from ev_pipeline.storage.staging import MANY, know_sizes

QUARANTINE_LOCK: Final = 0x65765F71
"""Advisory lock ("ev_q"), by scope, from an unfinished entry or its settling until the commit."""

_KNOWN_SESSIONS: Final = """
    select i.session_id, i.ordinal
    from incoming i left join decided d using (ordinal)
    where d.decision is distinct from 'conflict'
"""
"""Records of this load whose session is stored by its end."""

_FIND_FINISHED: Final = sa.text(f"""
    with known as (
        select r.ordinal, session_id, r.account, s.load_id as met_load
        from refused r join ev_session s using (session_id)
        where r.codes = '{{not_finished}}'
        union all
        select r.ordinal, r.session_id, r.account, null
        from refused r
        where r.codes = '{{not_finished}}'
            and not exists (select from ev_session s where s.session_id = r.session_id)
            and exists (
                select from ({_KNOWN_SESSIONS}) k
                where k.session_id = r.session_id and k.ordinal < r.ordinal)
    )
    insert into finished select ordinal, session_id, account, met_load from known
""")  # noqa: S608 -- constant fragment

_DROP_FINISHED: Final = sa.text("""
    delete from refused where ordinal in (select ordinal from finished)
""")

_TAKE_TURN: Final = planned("""
    select case when exists (select from refused where 'not_finished' = any(codes))
        then pg_advisory_xact_lock(:lock, hashtext(:scope))
        else pg_advisory_xact_lock_shared(:lock, hashtext(:scope)) end
""")

_WRITE: Final = sa.text("""
    insert into ev_quarantine as q
        (scope, origin, raw_sha256, header_sha256, raw, reasons, codes, state, session_id,
         source_session_id, station_id, connector_id, started_at, ended_at, first_seen_at,
         last_seen_at, times_seen, mapping, delivery_id)
    select distinct on (origin, raw_sha256, header_sha256)
        :scope, origin, raw_sha256, header_sha256, raw, reasons, codes, 'open', session_id,
        source_session_id, station_id, connector_id, started_at, ended_at, min(seen_at) over same,
        max(seen_at) over same, count(*) over same, :mapping, delivery_id
    from (
        select *, coalesce(account, :origin) as origin, coalesce(received_at, :seen_at) as seen_at
        from refused
    ) seen
    window same as (partition by origin, raw_sha256, header_sha256)
    order by origin, raw_sha256, header_sha256, ordinal
    on conflict (scope, origin, raw_sha256, header_sha256) do update
    set raw = coalesce(q.raw, excluded.raw), reasons = excluded.reasons, codes = excluded.codes,
        session_id = excluded.session_id,
        source_session_id = excluded.source_session_id, station_id = excluded.station_id,
        connector_id = excluded.connector_id, started_at = excluded.started_at,
        ended_at = excluded.ended_at,
        last_seen_at = greatest(q.last_seen_at, excluded.last_seen_at),
        times_seen = q.times_seen + excluded.times_seen
""")
"""An entry that is settled stays so when its record comes again: somebody has dealt with it."""

_SIGHT: Final = sa.text("""
    insert into ev_quarantine_sighting (load_id, line, quarantine_id)
    select :load_id, r.line, q.quarantine_id
    from refused r
    join ev_quarantine q
        on q.scope = :scope and q.origin = coalesce(r.account, :origin)
        and q.raw_sha256 = r.raw_sha256 and q.header_sha256 is not distinct from r.header_sha256
""")

_SUPERSEDE: Final = """
    update ev_quarantine q
    set state = 'superseded', settled_by_load = coalesce(s.load_id, :load_id)
    from ev_session s
    where q.state = 'open' and q.scope = :scope and 'not_finished' = any(q.codes)
        and s.session_id = q.session_id
        and (select session_id from ev_quarantine
            where state = 'open' and 'not_finished' = any(codes) order by session_id limit 1
            ) is not null
"""
"""Where no entry is unfinished nothing is looked through; the order has the planner see that by the
index of unfinished entries, which then is empty."""

_SUPERSEDE_ANY: Final = planned(_SUPERSEDE)
_SUPERSEDE_THEIRS: Final = planned(f"""
    {_SUPERSEDE} and q.session_id in (
        select session_id from incoming union all select session_id from refused)
""")  # noqa: S608 -- constant fragment
"""Both find the same, for a session that is stored leaves no unfinished entry open. Few records
look for their own entries, many look through all that are open."""


def drop_unfinished(connection: sa.Connection, *, n_records: int) -> None:
    """Unfinished records whose session is known go from `refused` to `finished`: duplicates."""
    know_sizes(connection, n_records, "refused")
    connection.execute(_FIND_FINISHED)
    connection.execute(_DROP_FINISHED)


def take_turn(connection: sa.Connection, *, scope: str) -> None:
    """Who brings an unfinished session and who brings it completed: the second sees the first.

    Loads without unfinished sessions share the lock and never wait for each other. To be taken as
    late as can be, and before `write_quarantine` and `supersede_unfinished`.
    """
    later(connection, _TAKE_TURN, lock=QUARANTINE_LOCK, scope=scope)


def write_quarantine(
    connection: sa.Connection,
    *,
    scope: str,
    origin: str,
    load_id: int | None,
    mapping: str,
    seen_at: datetime,
) -> None:
    """Every record in `refused` has an entry that counts it, and a sighting if this is a load.

    Args:
        connection: the transaction.
        scope: the operator.
        origin: account or file source of records that do not name theirs.
        load_id: the load; null for the stream, whose records nobody takes back.
        mapping: the text of the mapping that read them; a load has it itself.
        seen_at: when records came that do not say so.
    """
    place = {"scope": scope, "origin": origin}
    read_by = mapping if load_id is None else None
    connection.execute(_WRITE, {**place, "mapping": read_by, "seen_at": seen_at})
    if load_id is not None:
        connection.execute(_SIGHT, {**place, "load_id": load_id})


def supersede_unfinished(
    connection: sa.Connection, *, scope: str, load_id: int | None, n_records: int
) -> None:
    """Open entries of unfinished sessions are settled where the completed one is stored."""
    statement = _SUPERSEDE_ANY if n_records >= MANY else _SUPERSEDE_THEIRS
    later(connection, statement, scope=scope, load_id=load_id)


def first_receipts(
    connection: sa.Connection, session_ids: list[str], *, scope: str
) -> pl.DataFrame:
    """When records of these sessions first came and were refused: `session_id`, `first_at`."""
    rows = connection.execute(
        sa.text(
            """
            select session_id::text, min(first_seen_at) from ev_quarantine
            where session_id = any(cast(:session_ids as uuid[])) and scope = :scope
            group by session_id
            """
        ),
        {"session_ids": session_ids, "scope": scope},
    )
    schema = {"session_id": pl.String(), "first_at": pl.Datetime("us", "UTC")}
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def resolve_taken(connection: sa.Connection, quarantine_ids: list[int], *, load_id: int) -> None:
    """Those of the replayed entries that the replay did not refuse again are settled."""
    connection.execute(
        sa.text(
            """
            update ev_quarantine q set state = 'resolved', settled_by_load = :load_id
            where q.quarantine_id = any(:quarantine_ids) and q.state = 'open'
                and not exists (
                    select from ev_quarantine_sighting w
                    where w.quarantine_id = q.quarantine_id and w.load_id = :load_id)
            """
        ),
        {"quarantine_ids": quarantine_ids, "load_id": load_id},
    )


def take_back_quarantine(connection: sa.Connection, load_id: int) -> None:
    """Entries are as if the load had not met or settled them. Its sessions are gone already."""
    for statement in _TAKE_BACK:
        connection.execute(statement, {"load_id": load_id})


_TAKE_BACK: Final = (
    sa.text("""
        update ev_quarantine q
        set times_seen = q.times_seen - seen.times
        from (
            select quarantine_id, count(*) as times
            from ev_quarantine_sighting where load_id = :load_id group by quarantine_id
        ) seen
        where q.quarantine_id = seen.quarantine_id
    """),
    sa.text("delete from ev_quarantine_sighting where load_id = :load_id"),
    sa.text("delete from ev_quarantine where times_seen = 0"),
    # superseded by another load's copy of the session, which is still there
    sa.text("""
        update ev_quarantine q
        set settled_by_load = s.load_id
        from ev_session s
        where q.settled_by_load = :load_id and q.state = 'superseded'
            and s.session_id = q.session_id
    """),
    sa.text("""
        update ev_quarantine set state = 'open', settled_by_load = null
        where settled_by_load = :load_id
    """),
    sa.text("""
        update ev_quarantine q
        set first_seen_at = seen.first_at, last_seen_at = seen.last_at
        from (
            select w.quarantine_id, min(l.started_at) as first_at, max(l.started_at) as last_at,
                count(*) as times
            from ev_quarantine_sighting w join ev_load l using (load_id)
            group by w.quarantine_id
        ) seen
        where q.quarantine_id = seen.quarantine_id and q.times_seen = seen.times
            and (q.first_seen_at, q.last_seen_at) is distinct from (seen.first_at, seen.last_at)
    """),
)
