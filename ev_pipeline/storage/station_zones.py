"""Time zones of stations: who told which, and which of them holds.

What lives here: `ev_station_zone`, and `ev_station.time_zone` settled by it. What does not: the
clocks of sessions that follow from it (`stations`).

A registry's word counts more than that of session records: of registries the last one's, of session
records the first one's. What a load told goes with it.
"""

from typing import Final

import sqlalchemy as sa

_STREAM: Final = 0
"""In place of a load's number: nobody takes back what the stream brought."""

HAS_TOLD_ZONE: Final = f"""
    exists (
        select from ev_station_zone z
        where z.scope = s.scope and z.station_id = s.station_id
            and z.load_id = coalesce(cast(:load_id as bigint), {_STREAM}))
"""
"""Whether the load (null: the stream) has told the zone of `s`, a row of `ev_station`."""

_TOLD_BY_SESSIONS: Final = sa.text("""
    insert into ev_station_zone (scope, station_id, load_id, time_zone, is_from_registry)
    select :scope, n.station_id, :load_id, n.time_zone, false
    from named_station n
    where n.time_zone is not null and exists (
        select from ev_session s where s.scope = :scope and s.station_id = n.station_id)
    order by n.station_id
    on conflict (scope, station_id, load_id) do nothing
""")

_TOLD_BY_REGISTRY: Final = sa.text("""
    insert into ev_station_zone (scope, station_id, load_id, time_zone, is_from_registry)
    select distinct on (r.key) :scope, r.key, :load_id, r.time_zone, true
    from decided_registry d join incoming_registry r using (ordinal)
    where d.decision <> 'conflict' and r.time_zone is not null
    order by r.key, r.ordinal
""")
"""Also rows that say nothing new: their load stands, when the one that it repeats is taken back."""

_TAKE_BACK: Final = sa.text("""
    delete from ev_station_zone where scope = :scope and load_id = :load_id
    returning station_id
""")

_SETTLE: Final = sa.text("""
    with settled as (
        select t.station_id, (
            select z.time_zone
            from ev_station_zone z
            where z.scope = t.scope and z.station_id = t.station_id
            order by z.is_from_registry desc,
                case when z.is_from_registry then -z.seq else z.seq end
            limit 1) as time_zone
        from ev_station t
        where t.scope = :scope and t.station_id = any(:station_ids)
    )
    update ev_station t
    set time_zone = s.time_zone
    from settled s
    where t.scope = :scope and t.station_id = s.station_id
        and t.time_zone is distinct from s.time_zone
""")


def keep_told_by_sessions(connection: sa.Connection, *, scope: str, load_id: int | None) -> None:
    """What the load's sessions tell in `named_station` is kept, of stations that have sessions."""
    connection.execute(_TOLD_BY_SESSIONS, {"scope": scope, "load_id": _number(load_id)})


def keep_told_by_registry(connection: sa.Connection, *, scope: str, load_id: int | None) -> None:
    """What the registry's rows tell is kept, but of those that contradict others."""
    connection.execute(_TOLD_BY_REGISTRY, {"scope": scope, "load_id": _number(load_id)})


def take_back_zones(connection: sa.Connection, *, scope: str, load_id: int) -> list[str]:
    """The load has told nothing; returns the stations whose zone it had told."""
    return list(connection.execute(_TAKE_BACK, {"scope": scope, "load_id": load_id}).scalars())


def settle_zones(connection: sa.Connection, station_ids: list[str], *, scope: str) -> None:
    """The stations have the zone that holds of those that are told, or none."""
    connection.execute(_SETTLE, {"scope": scope, "station_ids": station_ids})


def _number(load_id: int | None) -> int:
    return _STREAM if load_id is None else load_id
