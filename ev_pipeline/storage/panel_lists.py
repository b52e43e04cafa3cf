"""What panels list: the newest sessions, stations, users, anomalies; exact in a snapshot.

What lives here: the queries. What does not: sums and counts (`panel_sums`, `panel_counts`).
"""

from collections.abc import Mapping
from typing import Any, Final

from ev_pipeline.domain.periods import Period
from ev_pipeline.storage.panel_snapshot import Snapshot
from ev_pipeline.storage.rollup_shapes import OCCUPANCY, STATION, STATION_WHOLE, USER
from ev_pipeline.storage.rollups import TAIL_OF_SNAPSHOT, both_parts, with_tail

_SHOWN: Final = """
    s.session_id::text as session_id, s.source_session_id, s.station_id, s.connector_id,
    s.started_at, s.ended_at, s.energy_kwh, s.kmeans_cluster, s.dbscan_cluster, s.cluster_name,
    s.is_anomaly, s.anomaly_score, s.anomaly_reasons, s.quality_codes
"""
"""What a list of sessions shows of each: nothing that tells who charged."""

_LOG_ROWS: Final = (200, 20_000, None)
"""How many of the log's last rows are looked at for the newest sessions. The first nearly always
do; after a large load was taken back more, and at last all."""

_NEWEST: Final = f"""
    with last as (
        select xid, seq, session_id, revision from ev_session_change
        order by xid desc, seq desc limit :n_rows
    ), newest as (
        select c.xid, c.seq, c.session_id
        from last c join ev_session e on e.session_id = c.session_id and e.revision = c.revision
        where not exists (
            select from last l where l.session_id = c.session_id and l.revision = c.revision
                and (l.xid, l.seq) > (c.xid, c.seq))
        order by c.xid desc, c.seq desc limit :limit
    )
    select {_SHOWN} from newest n join ev_session_labelled s using (session_id)
    order by n.xid desc, n.seq desc
"""  # noqa: S608 -- constant names
"""Not the latest by their own clock: what was stored last is what an operator waits for."""


def newest_sessions(snapshot: Snapshot, *, limit: int) -> list[Mapping[str, Any]]:
    """The sessions that were stored or corrected last, the last first."""
    found: list[Mapping[str, Any]] = []
    for n_rows in _LOG_ROWS:
        found = snapshot.ask(_NEWEST, n_rows=n_rows, limit=limit)
        if len(found) == limit:
            break
    return found


def newest_anomalies(snapshot: Snapshot, *, limit: int) -> list[Mapping[str, Any]]:
    """The champion's anomalies, those that ended last first."""
    statement = f"""
        select {_SHOWN} from ev_session_labelled s where s.is_anomaly
        order by s.ended_at desc, s.session_id limit :limit
    """  # noqa: S608 -- constant names
    return snapshot.ask(statement, limit=limit)


def users_by_sessions(snapshot: Snapshot) -> list[Mapping[str, Any]]:
    """Sessions and energy of each user, without who it is: the one with most first."""
    statement = f"""
        select n_sessions, energy_kwh from ({with_tail(USER, TAIL_OF_SNAPSHOT)}) r
        where n_sessions > 0 order by n_sessions desc, energy_kwh desc
    """  # noqa: S608 -- constant names
    return snapshot.ask(statement)


_RECENT: Final = "day between :first_day and :last_day"

_STATIONS: Final = f"""
    with whole as materialized (
        select scope, station_id, sum(n_sessions)::bigint as n_sessions,
            sum(energy_kwh) as energy_kwh, sum(duration_s) as duration_s,
            sum(n_charging)::bigint as n_charging, sum(charging_s) as charging_s,
            sum(n_idle)::bigint as n_idle, sum(idle_s) as idle_s,
            coalesce(sum(n_sessions) filter (where currency = ''), 0)::bigint as n_cost_null,
            coalesce(sum(n_sessions) filter (
                where currency not in ('', :currency)), 0)::bigint as n_other_currency,
            coalesce(sum(energy_kwh) filter (
                where currency = :currency), 0) as priced_energy_kwh,
            coalesce(sum(cost) filter (where currency = :currency), 0) as cost
        from ({both_parts(STATION_WHOLE, TAIL_OF_SNAPSHOT)}) r
        group by 1, 2 having sum(n_sessions) > 0
        order by n_sessions desc, scope, station_id
        limit :limit
    ), tail as materialized (
        {STATION.query(TAIL_OF_SNAPSHOT)}
    ), split_tail as materialized (
        {OCCUPANCY.query(TAIL_OF_SNAPSHOT)}
    ), refused as (
        select scope, station_id, count(*) as n_no_energy from ev_quarantine
        where state = 'open' and 'no_energy' = any(codes) and station_id is not null
        group by 1, 2
    )
    select w.*, s.name, s.latitude, s.longitude, s.power_kw, s.connectors, s.is_registered,
        r.*, coalesce(q.n_no_energy, 0) as n_no_energy,
        r.duration_of_recent_s + p.split_occupied_s as occupied_s,
        r.charging_of_recent_s + p.split_charging_s as recent_charging_s,
        p.recent_n_unknown
    from whole w
    left join ev_station s using (scope, station_id)
    cross join lateral (
        select min(day) filter (where n_sessions > 0) as first_session_day,
            max(day) filter (where n_sessions > 0) as last_session_day,
            coalesce(sum(n_sessions) filter (where {_RECENT}), 0)::bigint as recent_n_sessions,
            coalesce(sum(n_charging) filter (where {_RECENT}), 0)::bigint as recent_n_charging,
            coalesce(sum(duration_s) filter (where {_RECENT}), 0) as duration_of_recent_s,
            coalesce(sum(charging_s) filter (where {_RECENT}), 0) as charging_of_recent_s
        from (
            select day, sum(n_sessions) as n_sessions, sum(n_charging) as n_charging,
                sum(duration_s) as duration_s, sum(charging_s) as charging_s
            from (
                select day, n_sessions, n_charging, duration_s, charging_s
                from ev_rollup_station f
                where f.scope = w.scope and f.station_id = w.station_id
                union all
                select day, n_sessions, n_charging, duration_s, charging_s
                from tail t where t.scope = w.scope and t.station_id = w.station_id
            ) both_parts
            group by 1
        ) days
    ) r
    cross join lateral (
        select coalesce(sum(n_unknown), 0)::bigint as recent_n_unknown,
            coalesce(sum(occupied_s), 0) as split_occupied_s,
            coalesce(sum(charging_s), 0) as split_charging_s
        from (
            select n_unknown, occupied_s, charging_s from ev_rollup_occupancy f
            where f.scope = w.scope and f.station_id = w.station_id and {_RECENT}
            union all
            select n_unknown, occupied_s, charging_s from split_tail t
            where t.scope = w.scope and t.station_id = w.station_id and {_RECENT}
        ) both_parts
    ) p
    left join refused q using (scope, station_id)
    order by w.n_sessions desc, scope, station_id
"""  # noqa: S608 -- constant names


def stations_by_sessions(
    snapshot: Snapshot, recent: Period, *, limit: int
) -> list[Mapping[str, Any]]:
    """What happened at each station, the one with most sessions first.

    Args:
        snapshot: the moment.
        recent: the days over which time taken is summed, split at midnight.
        limit: how many stations.
    """
    return snapshot.ask(
        _STATIONS,
        first_day=recent.first_day,
        last_day=recent.last_day,
        limit=limit,
    )
