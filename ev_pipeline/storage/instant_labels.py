"""Labels of a few sessions, read and stored by one transaction.

What lives here: reading the sessions as models want them, and storing what the model says.
What does not: labels of everything else (`labels`), the staging tables (`staging`).
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.storage.changes import horizon_now
from ev_pipeline.storage.labels import REPLACING, Labeller, missing, note_complete
from ev_pipeline.storage.planned import later, planned

_COLUMNS: Final = """
    s.session_id::text, s.revision, s.scope, s.station_id, s.user_id, s.quality,
    s.quality_codes, (extract(epoch from s.started_at) * 1000000)::bigint as started_us,
    (extract(epoch from s.ended_at) * 1000000)::bigint as ended_us,
    (extract(epoch from s.started_local_at) * 1000000)::bigint as started_local_us,
    s.energy_kwh, s.charging_duration_h
"""
_WRITTEN: Final = planned(f"""
    select {_COLUMNS} from ev_session s
    where s.session_id = any(array(select session_id from landing))
""")  # noqa: S608 -- constant column names
"""By an array, of which the planner expects little: of a temporary table it expects a thousand rows
or more, and would read all stored sessions for one that is new."""

_NAMED: Final = sa.text(f"""
    select {_COLUMNS} from ev_session s where s.session_id = any(cast(:session_ids as uuid[]))
""")  # noqa: S608 -- constant column names

_STORE: Final = planned(f"""
    insert into ev_session_label
        (session_id, session_revision, model_version, kmeans_cluster, dbscan_cluster,
         anomaly_score, is_anomaly, anomaly_reasons, labelled_at, labelled_by)
    select session_id, session_revision, :version, kmeans_cluster, dbscan_cluster, anomaly_score,
        is_anomaly, anomaly_reasons, :labelled_at, :labelled_by
    from jsonb_to_recordset(cast(:labels as jsonb)) as n(
        session_id uuid, session_revision int, kmeans_cluster smallint, dbscan_cluster smallint,
        anomaly_score float8, is_anomaly boolean, anomaly_reasons jsonb)
    {REPLACING}
""")  # noqa: S608 -- constant fragment
"""Without a staging table: to fill one takes longer than to read a batch's labels from a text."""

_SCHEMA: Final[dict[str, Any]] = {
    "session_id": pl.String,
    "revision": pl.Int32,
    "scope": pl.String,
    "station_id": pl.String,
    "user_id": pl.String,
    "quality": pl.String,
    "quality_codes": pl.List(pl.String),
    "started_us": pl.Int64,
    "ended_us": pl.Int64,
    "started_local_us": pl.Int64,
    "energy_kwh": pl.Float64,
    "charging_duration_h": pl.Float64,
}


def label_written(connection: sa.Connection, labeller: Labeller) -> int:
    """Every session in `landing` has the version's label; returns how many that are.

    Args:
        connection: the transaction that has written them.
        labeller: the champion, whose row the transaction shares.
    """
    return _label(connection, labeller, connection.execute(_WRITTEN).all())


def label_plain(
    connection: sa.Connection, labeller: Labeller, plain: pl.DataFrame, *, scope: str
) -> int:
    """The same for the sessions of `Tally.plain`, without reading them."""
    return _store(connection, labeller, sessions_of(plain, scope=scope))


def label_rest(connection: sa.Connection, labeller: Labeller) -> int:
    """The few sessions that the version has no label for have one; returns how many that are.

    Args:
        connection: the transaction, which holds the champion's row: the stream waits, loads do
            not, and what those change meanwhile lies behind the position that is noted.
        labeller: the version.
    """
    horizon = horizon_now(connection)
    condition, bound = missing(connection, labeller.version)
    statement = f"select {_COLUMNS} from ev_session s where {condition}"  # noqa: S608 - our own SQL
    n_labels = _label(connection, labeller, connection.execute(sa.text(statement), bound).all())
    note_complete(connection, labeller.version, horizon)
    return n_labels


def _label(connection: sa.Connection, labeller: Labeller, rows: Sequence[sa.Row[Any]]) -> int:
    return _store(connection, labeller, _frame(rows)) if rows else 0


def _store(connection: sa.Connection, labeller: Labeller, sessions: pl.DataFrame) -> int:
    labels = labeller.own_labels(sessions)
    later(
        connection,
        _STORE,
        version=labeller.version,
        labelled_at=labeller.labelled_at,
        labelled_by=labeller.labelled_by,
        labels=labels.write_json(),
    )
    return labels.height


def read_sessions(connection: sa.Connection, session_ids: Collection[str]) -> pl.DataFrame:
    """The sessions with these ids as the transaction sees them, with all that a label depends on.

    Args:
        connection: the transaction.
        session_ids: our ids; those that are not stored give no row.
    """
    return _frame(connection.execute(_NAMED, {"session_ids": list(session_ids)}).all())


def sessions_of(plain: pl.DataFrame, *, scope: str) -> pl.DataFrame:
    """What `read_sessions` reads of the sessions of `Tally.plain`.

    Args:
        plain: the sessions.
        scope: their operator.
    """
    n, codes = plain.height, plain["notes"]
    quality = pl.Series(["valid"]).new_from_index(0, n)
    has_warning = plain["warnings"].list.len() > 0
    if has_warning.any():
        codes = plain["warnings"].list.concat(codes)
        quality = pl.Series(["warning"]).new_from_index(0, n).zip_with(has_warning, quality)
    columns = {
        "session_id": plain["session_id"],
        "revision": pl.Series([1], dtype=pl.Int32).new_from_index(0, n),
        "scope": pl.Series([scope]).new_from_index(0, n),
        "station_id": plain["station_id"],
        "user_id": plain["user_id"],
        "quality": quality,
        "quality_codes": codes,
        "started_us": plain["started_at"].to_physical(),
        "ended_us": plain["ended_at"].to_physical(),
        "started_local_us": plain["started_local_at"].to_physical(),
        "energy_kwh": plain["energy_kwh"],
        "charging_duration_h": plain["charging_duration_h"],
    }
    return pl.DataFrame(columns, schema=_SCHEMA)


def _frame(rows: Sequence[sa.Row[Any]]) -> pl.DataFrame:
    return pl.DataFrame([tuple(row) for row in rows], schema=_SCHEMA, orient="row")
