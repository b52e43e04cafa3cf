"""Which staged records are new, replace a session, repeat it or contradict it.

What lives here: contracts.md, "Identity", as set-based statements over the staging tables.
What does not: writing what was decided (`sessions`).
"""

from typing import Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.session import SESSION_FIELDS, Kind
from ev_pipeline.storage.planned import planned
from ev_pipeline.storage.staging import FIELD_LIST, FIELDS, know_sizes

_TIMES: Final = frozenset(field.name for field in SESSION_FIELDS if field.kind is Kind.TIME)
"""A record that says them to the millisecond, as OCPI does, says the same."""

_TIMES_FROM_RECEIPT: Final = ("started_at", "ended_at")
"""Of a session whose times were assigned on receipt, a later delivery's times say nothing."""


def _says_the_same(field: str) -> str:
    same = f"n.{field} is null or n.{field} = p.{field}"
    if field in _TIMES:
        same += f" or n.{field} = date_trunc('milliseconds', p.{field})"
    if field in _TIMES_FROM_RECEIPT:
        same = f"'time_assigned' = any(n.notes) or {same}"
    return f"({same})"


_SAYS_THE_SAME: Final = "\n and ".join(_says_the_same(field) for field in FIELDS)


def _list_of(alias: str) -> str:
    return ", ".join(f"{alias}.{field}" for field in FIELDS)


_FIND_MET: Final = planned("""
    insert into met
    select session_id, 1 from incoming group by session_id having count(*) > 1
    union
    select i.session_id, 1 from incoming i join ev_session s using (session_id)
""")

_JUST_MET: Final = "(select session_id from met where round = (select max(round) from met)) met"
"""The ids of the round that is decided next."""

_LINE_UP: Final = sa.text(f"""
    insert into contested (place, session_id, {FIELD_LIST}, notes, revision, load_id)
    select -1, session_id, {FIELD_LIST}, cast('{{}}' as text[]), revision, load_id
    from {_JUST_MET} join ev_session using (session_id)
    union all
    select h.revision - s.revision - 1, h.session_id, {_list_of("f")}, '{{}}', h.revision, h.load_id
    from {_JUST_MET}
    join ev_session s using (session_id)
    join ev_session_history h using (session_id)
    cross join lateral jsonb_populate_record(null::ev_session, h.session) f
    where s.revision > 1
    union all
    select ordinal, session_id, {FIELD_LIST}, notes, null, null
    from {_JUST_MET} join incoming using (session_id)
""")  # noqa: S608 -- constant column names
"""A load that was taken back has left no revision."""

_DECIDE: Final = sa.text(f"""
    insert into decided (ordinal, session_id, decision, revision, base_revision, met_load)
    with lined_up as (
        select session_id, place, updated_at,
            place < 0 or row_number() over in_order = 1 as is_base,
            lead(place) over in_order is not null as is_followed,
            max(updated_at) over (in_order rows between unbounded preceding and 1 preceding)
                as newest_at
        from contested
        window in_order as (partition by session_id order by place)
    ), timed as (
        select *, :has_corrections
            or bool_or(is_base and updated_at is not null) over (partition by session_id)
            as has_times
        from lined_up
    ), judged as materialized (
        select session_id, place, is_base, is_followed,
            has_times and updated_at < newest_at is true as is_late,
            is_base or has_times and case when :has_corrections
                then updated_at < newest_at is not true
                else updated_at > newest_at is true end as is_newer
        from timed
    ), said as materialized (
        select p.*
        from judged j join contested p using (session_id, place)
        where j.is_newer and j.is_followed
    ), repeated as (
        select distinct on (n.place) n.place, p.load_id
        from contested n
        join said p using (session_id, station_id, energy_kwh)
        where n.place >= 0 and p.place < n.place and {_SAYS_THE_SAME}
        order by n.place, p.place >= 0, p.place desc
    ), decided_so as (
        select j.session_id, j.place,
            case when r.place is null then b.load_id else r.load_id end as met_load,
            b.revision as base_revision,
            case
                when j.is_base then 'stored'
                when r.place is not null or j.is_late then 'duplicate'
                when j.is_newer then 'updated'
                else 'conflict'
            end as decision
        from judged j
        left join repeated r on r.place = j.place
        left join contested b on b.session_id = j.session_id and b.place = -1
        where j.place >= 0
    )
    select place, session_id, decision,
        coalesce(base_revision, 0) + count(*) filter (where decision in ('stored', 'updated'))
            over (partition by session_id order by place),
        base_revision, case when decision = 'duplicate' then met_load end
    from decided_so
""")  # noqa: S608 -- constant column names
"""In words:

- A record that says the same as the stored session, as a former revision of it or as one that the
  file has brought before is a duplicate.
- One that is older than any of these is a duplicate: it was superseded before it came.
- One that is newer than all of them replaces what is stored; from a source that declares
  corrections one that is not older does.
- What is left contradicts what is stored.

Without recursion: which records count as revisions follows from their times alone, and where
corrections are declared, a record that says what a duplicate has said is one too.
"""

_LAND_DECIDED: Final = sa.text(f"""
    insert into landed
    select distinct on (session_id) session_id, ordinal, base_revision, revision
    from decided join {_JUST_MET} using (session_id)
    where decision in ('stored', 'updated')
    order by session_id, ordinal desc
""")  # noqa: S608 -- constant fragment

_FIND_LOSERS: Final = sa.text("""
    insert into met
    select l.session_id, 1 + (select coalesce(max(round), 0) from met)
    from landing l
    where not exists (
        select from ev_session_change c
        where c.xid = pg_current_xact_id() and c.sign = 1
            and c.session_id = l.session_id and c.revision = l.revision)
""")
"""What this transaction has written is in its log, whichever door it came by."""


_CONFLICTING: Final = sa.text("""
    select ordinal, session_id::text, started_at, ended_at
    from decided join incoming using (ordinal, session_id)
    where decision = 'conflict'
""")

CONFLICT_SCHEMA: Final = {
    "ordinal": pl.Int64(),
    "session_id": pl.String(),
    "started_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
}
"""A record's number and what intake has settled about it: a time may have two readings."""


def decide(connection: sa.Connection, *, n_incoming: int, has_corrections: bool) -> bool:
    """Every record in `incoming` is decided: `landing` has the rows to write.

    A record whose id comes once and is not stored lands at once. The others are decided in the
    file's order, each against what its id holds by then.

    Args:
        connection: the load's transaction.
        n_incoming: how many records are to be decided.
        has_corrections: whether other content for a stored id is a correction.

    Returns:
        Whether there were others.
    """
    know_sizes(connection, n_incoming, "incoming (ordinal, session_id, connector_number)")
    n_met = connection.execute(_FIND_MET).rowcount
    know_sizes(connection, n_incoming, "met")
    if n_met:
        _decide_met(connection, n_incoming, has_corrections=has_corrections)
    return n_met > 0


def decide_losers_again(
    connection: sa.Connection, *, n_incoming: int, has_corrections: bool
) -> None:
    """Rows that somebody else wrote first are decided again, against what is stored by now."""
    connection.execute(_FIND_LOSERS)
    connection.execute(sa.text("truncate contested"))
    for table in ("decided", "landed"):
        connection.execute(
            sa.text(
                f"delete from {table} where session_id in (select session_id from {_JUST_MET})"  # noqa: S608 -- our table names
            )
        )
    _decide_met(connection, n_incoming, has_corrections=has_corrections)


def conflicting(connection: sa.Connection) -> pl.DataFrame:
    """The records that contradict what is stored, as `CONFLICT_SCHEMA`."""
    rows = connection.execute(_CONFLICTING)
    return pl.DataFrame([tuple(row) for row in rows], schema=CONFLICT_SCHEMA, orient="row")


def _decide_met(connection: sa.Connection, n_incoming: int, *, has_corrections: bool) -> None:
    connection.execute(_LINE_UP)
    know_sizes(connection, n_incoming, "contested (session_id, place)")
    connection.execute(_DECIDE, {"has_corrections": has_corrections})
    connection.execute(_LAND_DECIDED)
    know_sizes(connection, n_incoming, "decided", "landed")
