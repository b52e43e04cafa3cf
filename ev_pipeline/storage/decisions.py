"""Which staged records are new, replace a session, repeat it or contradict it.

What lives here: contracts.md, "Identity", as set-based statements over the staging tables.
What does not: writing what was decided (`sessions`).
"""

from typing import Final

import sqlalchemy as sa

from ev_pipeline.storage.staging import FIELDS, know_sizes

_TIMES_FROM_RECEIPT: Final = ("started_at", "ended_at")
"""Of a session whose times were assigned on receipt, a later delivery's times say nothing."""


def _says_the_same(field: str) -> str:
    same = f"n.{field} is null or n.{field} = (w.current).{field}"
    if field in _TIMES_FROM_RECEIPT:
        same = f"'time_assigned' = any(n.notes) or {same}"
    return f"({same})"


_SAYS_THE_SAME: Final = "\n and ".join(_says_the_same(field) for field in FIELDS)

_FIND_MET: Final = sa.text("""
    insert into met
    select session_id from incoming group by session_id having count(*) > 1
    union
    select i.session_id from incoming i join ev_session s using (session_id)
""")

_LAND_FRESH: Final = sa.text("""
    insert into landing
    select i.session_id, i.ordinal, null, 1
    from incoming i
    where not exists (select from met m where m.session_id = i.session_id)
""")

_LINE_UP: Final = sa.text(f"""
    insert into contested
    select 0, 0, s.session_id, {", ".join(f"s.{field}" for field in FIELDS)}, '{{}}',
        s.revision, s.load_id
    from met join ev_session s using (session_id)
    union all
    select row_number() over (partition by i.session_id order by i.ordinal), i.ordinal,
        i.session_id, {", ".join(f"i.{field}" for field in FIELDS)}, i.notes, null, null
    from met join incoming i using (session_id)
""")  # noqa: S608 -- constant column names

_DECIDE: Final = sa.text(f"""
    insert into decided
    with recursive walk as (
        select c.session_id, c.place, c.ordinal, 'stored' as decision, c as current,
            c.revision as base_revision, c.load_id as base_load
        from contested c
        where c.place = 0 or c.place = 1 and not exists (
            select from contested b where b.session_id = c.session_id and b.place = 0)
        union all
        select n.session_id, n.place, n.ordinal, d.decision,
            case d.decision when 'updated' then n else w.current end,
            w.base_revision, w.base_load
        from walk w
        join contested n on n.session_id = w.session_id and n.place = w.place + 1
        cross join lateral (
            select case
                when {_SAYS_THE_SAME} then 'duplicate'
                when :has_corrections or n.updated_at > (w.current).updated_at then 'updated'
                else 'conflict'
            end as decision
        ) d
    )
    select ordinal, session_id, decision, base_revision, base_load from walk where place > 0
""")  # noqa: S608 -- constant column names

_LAND_DECIDED: Final = sa.text("""
    insert into landing
    select distinct on (session_id) session_id, ordinal, base_revision,
        coalesce(base_revision, 0) + count(*) over (partition by session_id)
    from decided join met using (session_id)
    where decision in ('stored', 'updated')
    order by session_id, ordinal desc
""")

_FIND_LOSERS: Final = sa.text("""
    insert into met
    select l.session_id
    from landing l
    where not exists (
        select from ev_session s where s.session_id = l.session_id and s.load_id = :load_id)
""")


def decide(connection: sa.Connection, *, has_corrections: bool) -> None:
    """Every record in `incoming` is decided: `landing` has the rows to write.

    A record whose id comes once and is not stored lands at once. The others are decided in the
    file's order, each against what its id holds by then.

    Args:
        connection: the load's transaction.
        has_corrections: whether other content for a stored id is a correction.
    """
    know_sizes(connection, "incoming (ordinal, session_id)")
    connection.execute(_FIND_MET)
    know_sizes(connection, "met")
    connection.execute(_LAND_FRESH)
    _decide_met(connection, has_corrections=has_corrections)


def decide_losers_again(connection: sa.Connection, *, load_id: int, has_corrections: bool) -> None:
    """Rows that somebody else wrote first are decided again, against what is stored by now."""
    connection.execute(sa.text("truncate met, contested"))
    connection.execute(_FIND_LOSERS, {"load_id": load_id})
    for table in ("decided", "landing"):
        connection.execute(
            sa.text(f"delete from {table} where session_id in (select session_id from met)")  # noqa: S608 -- our table names
        )
    _decide_met(connection, has_corrections=has_corrections)


def conflicting(connection: sa.Connection) -> dict[int, str]:
    """The records that contradict what is stored: session id by number in the file."""
    rows = connection.execute(
        sa.text("select ordinal, session_id::text from decided where decision = 'conflict'")
    )
    return {row[0]: row[1] for row in rows}


def _decide_met(connection: sa.Connection, *, has_corrections: bool) -> None:
    connection.execute(_LINE_UP)
    know_sizes(connection, "contested (session_id, place)")
    connection.execute(_DECIDE, {"has_corrections": has_corrections})
    connection.execute(_LAND_DECIDED)
    know_sizes(connection, "decided", "landing")
