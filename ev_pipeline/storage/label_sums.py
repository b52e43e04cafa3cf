"""Sums of labels by month, kept for the champion, so that panels need not look at every session.

What lives here: forming them, and reading them with what has changed since. What does not: the
panels' figures (`panel_labels`), labels themselves (`labels`).

Labels are complete below their reader's position in the change log, so the months in which no
changed session ends are as they were when they were last formed. The others are formed anew.
"""

from typing import Final

import sqlalchemy as sa

from ev_pipeline.storage.changes import horizon_of, place_reader
from ev_pipeline.storage.partitions import READER_PREFIX
from ev_pipeline.storage.registry import read_champion

_FOLDER_PREFIX: Final = "label_sums/"
"""Beginning of the name by which a version's sums follow the change log."""

_FOLDING_LOCK: Final = 0x65765F6C6162656C
"""Advisory lock ("ev_label") of whoever forms sums."""

BINS_PER_E: Final = 100
"""Bins of a logarithm: each is 1 % wide, so medians are right to within that."""

_WORTH_FOLDING: Final = 2
"""Months with changes; the newest one changes all the time, and is formed anew by every reader."""

_MONTH: Final = "date_trunc('month', ended_at at time zone 'UTC')::date"

_TOUCHED: Final = sa.text(f"""
    select distinct {_MONTH} from ev_session_change where xid >= cast(:horizon as xid8)
""")  # noqa: S608 -- constant names

_LABELLED: Final = """
    select m.month, l.kmeans_cluster, l.dbscan_cluster < 0 as is_noise, l.is_anomaly,
        l.anomaly_reasons, s.energy_kwh,
        extract(epoch from s.ended_at - s.started_at)::float8 / 3600 as duration_h
    from unnest(cast(:months as date[])) m (month)
    join ev_session s
        on s.ended_at >= m.month::timestamp at time zone 'UTC'
        and s.ended_at < (m.month + interval '1 month') at time zone 'UTC'
    join ev_session_label l
        on l.model_version = :version and l.session_id = s.session_id
        and l.session_revision = s.revision
"""


def _counted(measure: str, condition: str) -> str:
    return f"""
        select month, kmeans_cluster, '{measure}' as measure, '' as key, count(*) as n,
            0::float8 as total
        from labelled where {condition} group by 1, 2
    """  # noqa: S608 -- constant names


def _binned(measure: str, value: str) -> str:
    return f"""
        select month, kmeans_cluster, '{measure}', floor(ln({value}) * {BINS_PER_E})::int::text,
            count(*), sum({value})
        from labelled group by 1, 2, 4
    """  # noqa: S608 -- constant names


_FORMED: Final = f"""
    with labelled as materialized ({_LABELLED})
    {_counted("session", "true")}
    union all {_counted("noise", "is_noise")}
    union all {_counted("anomaly", "is_anomaly")}
    union all {_binned("energy_kwh", "energy_kwh")}
    union all {_binned("duration_h", "duration_h")}
    union all
    select month, kmeans_cluster, 'reason', reason ->> 'code', count(*), 0
    from labelled cross join lateral jsonb_array_elements(anomaly_reasons) reason
    where is_anomaly group by 1, 2, 4
"""  # noqa: S608 -- constant names

_FORGET_OTHERS: Final = sa.text("""
    with forgotten as (delete from ev_label_sum where model_version <> :version)
    delete from ev_reader where starts_with(reader, :prefix) and reader <> :prefix || :version
""")

_FORGET: Final = sa.text("""
    delete from ev_label_sum
    where model_version = :version and month = any(cast(:months as date[]))
""")

_KEEP: Final = sa.text(f"""
    insert into ev_label_sum
        (model_version, month, kmeans_cluster, measure, key, n, total)
    select :version, formed.* from ({_FORMED}) formed
""")  # noqa: S608 -- constant names

_READ: Final = sa.text(f"""
    select kmeans_cluster, measure, key, sum(n)::bigint as n, sum(total) as total
    from (
        select kmeans_cluster, measure, key, n, total from ev_label_sum
        where model_version = :version and month <> all(cast(:months as date[]))
        union all
        select kmeans_cluster, measure, key, n, total from ({_FORMED}) formed
    ) both_parts
    group by 1, 2, 3
""")  # noqa: S608 -- constant names


def fold_label_sums(engine: sa.Engine) -> None:
    """The champion's sums are kept as far as its labels are complete, where readers save by it.

    To be called before reading, now and then; what is read is exact without it.
    """
    with engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_FOLDING_LOCK)))
        champion = read_champion(connection)
        if champion is None:
            return
        version = champion.version
        complete_to = horizon_of(connection, READER_PREFIX + version)
        if complete_to is None:
            return
        months = _touched_months(connection, version)
        if len(months) < _WORTH_FOLDING:
            return
        connection.execute(_FORGET_OTHERS, {"version": version, "prefix": _FOLDER_PREFIX})
        touched = {"version": version, "months": months}
        connection.execute(_FORGET, touched)
        connection.execute(_KEEP, touched)
        place_reader(connection, _FOLDER_PREFIX + version, complete_to)


def read_label_sums(
    connection: sa.Connection, version: str
) -> list[tuple[int, str, str, int, float]]:
    """The version's sums, exact in the connection's snapshot.

    Returns:
        `kmeans_cluster`, `measure`, `key`, `n` and `total`: how many sessions, anomalies and noise;
        anomalies by the code of their reasons; energies and durations by bin, with their sum.
    """
    touched = {"version": version, "months": _touched_months(connection, version)}
    return [tuple(row) for row in connection.execute(_READ, touched)]


def _touched_months(connection: sa.Connection, version: str) -> list[object]:
    horizon = horizon_of(connection, _FOLDER_PREFIX + version) or "0"
    return list(connection.execute(_TOUCHED, {"horizon": horizon}).scalars())
