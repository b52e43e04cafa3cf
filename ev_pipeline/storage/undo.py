"""Sessions as if a load had never been: what it stored goes, what it replaced comes back.

What lives here: taking back what `sessions` wrote. What does not: quarantine, ledger and stations
of that load, which their own modules take back, and the order of all (`ev_pipeline.intake.undo`).

Revisions only grow: a session that is put back has a new one, so that no label that was given to
other content can count for it.
"""

from typing import Final

import sqlalchemy as sa

from ev_pipeline.storage.changes import CHANGED, LOG
from ev_pipeline.storage.tables.sessions import ev_session

_FORGET_REPLACED: Final = (
    # where another load has replaced this one's last revision since, it replaced what was before
    sa.text("""
        create temp table forgotten on commit drop as
        select distinct on (session_id) session_id, replaced_by_load
        from ev_session_history where load_id = :load_id
        order by session_id, revision desc
    """),
    sa.text("delete from ev_session_history where load_id = :load_id"),
    sa.text("""
        update ev_session_history h set replaced_by_load = f.replaced_by_load
        from forgotten f
        where h.session_id = f.session_id and h.replaced_by_load = :load_id
    """),
)

_FIND: Final = (
    sa.text("""
        create temp table taken_back on commit drop as
        select s.session_id, s.scope, s.station_id, h.revision as earlier
        from ev_session s
        left join ev_session_history h
            on h.session_id = s.session_id and h.replaced_by_load = :load_id
        where s.load_id = :load_id
        order by s.session_id
        for update of s
    """),
    sa.text("analyze taken_back"),
)

_DELETE: Final = sa.text(f"""
    with gone as (
        delete from ev_session
        where session_id in (select session_id from taken_back where earlier is null)
        returning *
    )
    {LOG}
    select session_id, revision, 'deletion', -1, {CHANGED} from gone
    order by session_id
""")  # noqa: S608 -- constant column names

_DELETE_LABELS: Final = sa.text("""
    delete from ev_session_label
    where session_id in (select session_id from taken_back where earlier is null)
""")

_CONTENT: Final = tuple(
    column.name for column in ev_session.columns if column.name not in ("session_id", "revision")
)
"""What a revision holds."""

_PUT_BACK: Final = sa.text(f"""
    with old as materialized (
        select s.* from ev_session s join taken_back t using (session_id)
        where t.earlier is not null
    ), kept as (
        delete from ev_session_history h using taken_back t
        where h.session_id = t.session_id and h.revision = t.earlier
        returning h.session
    ), new as (
        update ev_session s
        set revision = s.revision + 1,
            ({", ".join(_CONTENT)}) = row({", ".join(f"r.{name}" for name in _CONTENT)})
        from kept cross join lateral jsonb_populate_record(null::ev_session, kept.session) r
        where s.session_id = r.session_id
        returning s.*
    )
    {LOG}
    select session_id, revision, 'correction', sign, {CHANGED}
    from (
        select -1 as sign, old.* from old
        union all
        select 1, new.* from new
    ) both_sides
    order by session_id, sign
""")  # noqa: S608 -- constant column names

_STATIONS: Final = sa.text("""
    select distinct station_id from taken_back
""")


def take_back_sessions(connection: sa.Connection, load_id: int) -> list[str]:
    """The load's sessions are gone or as they were before it; labels of deleted ones go too.

    Returns:
        Stations of these sessions: the load may have told their zone, and the clocks of sessions
        that were put back may have been corrected since.
    """
    for statement in (*_FORGET_REPLACED, *_FIND):
        connection.execute(statement, {"load_id": load_id} if ":load_id" in statement.text else {})
    for statement in (_DELETE, _DELETE_LABELS, _PUT_BACK):
        connection.execute(statement)
    return list(connection.execute(_STATIONS).scalars())
