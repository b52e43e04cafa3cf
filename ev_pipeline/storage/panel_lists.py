"""What panels list: the newest sessions, stations, users, anomalies; exact in a snapshot.

What lives here: the queries. What does not: sums and counts (`panel_sums`, `panel_counts`).
"""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from ev_pipeline.domain.periods import Period
from ev_pipeline.storage.panel_snapshot import Snapshot
from ev_pipeline.storage.rollup_shapes import OCCUPANCY, STATION, USER
from ev_pipeline.storage.rollups import with_tail

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
        found = _rows(snapshot, _NEWEST, n_rows=n_rows, limit=limit)
        if len(found) == limit:
            break
    return found


def newest_anomalies(snapshot: Snapshot, *, limit: int) -> list[Mapping[str, Any]]:
    """The champion's anomalies, those that ended last first."""
    statement = f"""
        select {_SHOWN} from ev_session_labelled s where s.is_anomaly
        order by s.ended_at desc, s.session_id limit :limit
    """  # noqa: S608 -- constant names
    return _rows(snapshot, statement, limit=limit)


def anomalies_by_code(snapshot: Snapshot) -> list[Mapping[str, Any]]:
    """How many sessions each reason makes anomalies; one with several counts for each."""
    statement = """
        select reason ->> 'code' as code, count(*) as n_sessions
        from ev_session_labelled s cross join lateral jsonb_array_elements(anomaly_reasons) reason
        where s.is_anomaly group by 1 order by 2 desc, 1
    """
    return _rows(snapshot, statement)


def count_labels(snapshot: Snapshot) -> Mapping[str, int]:
    """Sessions that the champion has labelled as they are now: `n_labelled`, `n_anomalies`."""
    statement = """
        select count(*) as n_labelled, count(*) filter (where s.is_anomaly) as n_anomalies
        from ev_session_labelled s where s.model_version is not null
    """
    return _rows(snapshot, statement)[0]


def summarise_clusters(snapshot: Snapshot) -> list[Mapping[str, Any]]:
    """The champion's KMeans clusters: size, typical session, what is odd."""
    statement = """
        select s.kmeans_cluster, min(s.cluster_name) as cluster_name, count(*) as n_sessions,
            (count(*) / sum(count(*)) over ())::float8 as share,
            percentile_cont(0.5) within group (order by s.energy_kwh) as median_energy_kwh,
            percentile_cont(0.5) within group (
                order by extract(epoch from s.ended_at - s.started_at)::float8 / 3600
            ) as median_duration_h,
            count(*) filter (where s.dbscan_cluster < 0) as n_noise,
            count(*) filter (where s.is_anomaly) as n_anomalies
        from ev_session_labelled s where s.model_version is not null
        group by s.kmeans_cluster order by s.kmeans_cluster
    """
    return _rows(snapshot, statement)


def users_by_sessions(snapshot: Snapshot) -> list[Mapping[str, Any]]:
    """Sessions and energy of each user, without who it is: the one with most first."""
    statement = f"""
        select n_sessions, energy_kwh from ({with_tail(USER)}) r where n_sessions > 0
        order by n_sessions desc, energy_kwh desc
    """  # noqa: S608 -- constant names
    return _rows(snapshot, statement)


_STATIONS: Final = f"""
    with days as materialized (
        select scope, station_id, day, currency, n_sessions, energy_kwh, duration_s, n_charging,
            charging_s, n_idle, idle_s, cost
        from ({with_tail(STATION)}) r
    ), whole as (
        select scope, station_id, sum(n_sessions)::bigint as n_sessions,
            sum(energy_kwh) as energy_kwh, sum(duration_s) as duration_s,
            sum(n_charging)::bigint as n_charging, sum(charging_s) as charging_s,
            sum(n_idle)::bigint as n_idle, sum(idle_s) as idle_s,
            coalesce(sum(n_sessions) filter (where currency = ''), 0)::bigint as n_cost_null,
            coalesce(sum(n_sessions) filter (
                where currency not in ('', :currency)), 0)::bigint as n_other_currency,
            coalesce(sum(energy_kwh) filter (
                where currency = :currency), 0) as priced_energy_kwh,
            coalesce(sum(cost) filter (where currency = :currency), 0) as cost,
            min(day) as first_session_day, max(day) as last_session_day
        from days where n_sessions > 0 group by 1, 2
    ), recent as (
        select scope, station_id, sum(n_sessions)::bigint as n_sessions,
            sum(duration_s) as duration_s, sum(n_charging)::bigint as n_charging,
            sum(charging_s) as charging_s
        from days where day between :first_day and :last_day group by 1, 2
    ), split as (
        select scope, station_id, sum(n_unknown)::bigint as n_unknown,
            sum(occupied_s) as occupied_s, sum(charging_s) as charging_s
        from ({with_tail(OCCUPANCY)}) o where day between :first_day and :last_day group by 1, 2
    ), refused as (
        select scope, station_id, count(*) as n_no_energy from ev_quarantine
        where state = 'open' and 'no_energy' = any(codes) and station_id is not null
        group by 1, 2
    )
    select w.*, s.name, s.latitude, s.longitude, s.power_kw, s.connectors, s.is_registered,
        coalesce(r.n_sessions, 0) as recent_n_sessions,
        coalesce(r.n_charging, 0) as recent_n_charging,
        coalesce(p.n_unknown, 0) as recent_n_unknown,
        coalesce(r.duration_s, 0) + coalesce(p.occupied_s, 0) as occupied_s,
        coalesce(r.charging_s, 0) + coalesce(p.charging_s, 0) as recent_charging_s,
        coalesce(q.n_no_energy, 0) as n_no_energy
    from whole w
    left join ev_station s using (scope, station_id)
    left join recent r using (scope, station_id)
    left join split p using (scope, station_id)
    left join refused q using (scope, station_id)
    order by w.n_sessions desc, scope, station_id
    limit :limit
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
    return _rows(
        snapshot,
        _STATIONS,
        timezone=str(snapshot.zone),
        currency=snapshot.currency,
        first_day=recent.first_day,
        last_day=recent.last_day,
        limit=limit,
    )


def _rows(snapshot: Snapshot, statement: str, **given: Any) -> list[Mapping[str, Any]]:
    return [dict(row) for row in snapshot.connection.execute(sa.text(statement), given).mappings()]
