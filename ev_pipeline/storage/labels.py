"""What the models say of each session: partitions of `ev_session_label`, filled and kept complete.

What lives here: labelling everything into a new partition, labelling what is missing in one, and
how far along the change log each has come.
What does not: making and dropping partitions (`partitions`), which version is shown (`registry`,
`promotion`), the labels themselves (`domain.models`).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Self

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.features import describe_sessions
from ev_pipeline.domain.models.bundle import ModelBundle
from ev_pipeline.domain.prepared import PreparedQuery
from ev_pipeline.storage.bulk import copy_frame
from ev_pipeline.storage.changes import horizon_now, horizon_of, place_reader
from ev_pipeline.storage.features import session_batches
from ev_pipeline.storage.frames import read_frame
from ev_pipeline.storage.partitions import (
    READER_PREFIX,
    TABLE,
    attach_partition,
    create_partition,
    is_attached,
    partition_of,
)
from ev_pipeline.storage.tables.models import ev_session_label

_SINCE: Final = """
    select c.session_id from ev_session_change c where c.xid >= cast(cast(:horizon as text) as xid8)
"""
_UNLABELLED: Final = """
    not exists (
        select from ev_session_label l
        where l.model_version = :version
            and l.session_id = s.session_id and l.session_revision = s.revision
    )
"""
_UNLABELLED_SINCE: Final = f"""
    s.session_id in ({_SINCE}) and ({_UNLABELLED} or s.session_id in ({_SINCE} and c.sign < 0))
"""
"""A session that went and came again starts at revision 1 once more, perhaps with other content: a
label of that revision may be of the content that went."""
_ORPHANED: Final = """
    delete from ev_session_label l
    where l.model_version = :version
        and not exists (select from ev_session s where s.session_id = l.session_id)
"""
_ORPHANED_SINCE: Final = f"{_ORPHANED} and l.session_id in ({_SINCE} and c.sign < 0)"

REPLACING: Final = """
    on conflict (model_version, session_id) do update set
        session_revision = excluded.session_revision,
        kmeans_cluster = excluded.kmeans_cluster,
        dbscan_cluster = excluded.dbscan_cluster,
        anomaly_score = excluded.anomaly_score,
        is_anomaly = excluded.is_anomaly,
        anomaly_reasons = excluded.anomaly_reasons,
        labelled_at = excluded.labelled_at,
        labelled_by = excluded.labelled_by
"""
"""How a label takes the place of the one that its session had by the same version."""

_DESCRIBE: Final = PreparedQuery(describe_sessions)
"""What a label depends on."""

_REASONS: Final = pl.format(
    "[{}]",
    pl.col("anomaly_reasons").list.eval(pl.element().struct.json_encode()).list.join(","),
)
"""A session's reasons as JSON."""

_MAKE_NEW: Final = f"""
    create temp table if not exists ev_session_label_new (like {TABLE}) on commit drop
"""
"""Where labels wait to be merged."""

_MERGE: Final = f"""
    insert into ev_session_label
    select n.* from ev_session_label_new n
    join ev_session s on s.session_id = n.session_id and s.revision = n.session_revision
    {REPLACING}
"""  # noqa: S608 -- constant fragment


@dataclass(frozen=True, slots=True)
class Labeller:
    """One model version, ready to label.

    Args:
        version: its name in the registry.
        bundle: the model.
        trained_at: when it was trained, UTC.
        labelled_at: the time that its labels carry, UTC.
        labelled_by: who gives them: batch or stream.
    """

    version: str
    bundle: ModelBundle
    trained_at: datetime
    labelled_at: datetime
    labelled_by: str = "batch"

    def at(self, now: datetime, *, by: str) -> Self:
        """The same version, whose labels carry this time and name."""
        return replace(self, labelled_at=now, labelled_by=by)

    def label(self, sessions: pl.DataFrame) -> pl.DataFrame:
        """The sessions' labels, with the columns of `ev_session_label`."""
        return (
            self.own_labels(sessions)
            .with_columns(
                anomaly_reasons=_REASONS,
                model_version=pl.lit(self.version),
                labelled_at=pl.lit(self.labelled_at),
                labelled_by=pl.lit(self.labelled_by),
            )
            .select(column.name for column in ev_session_label.columns)
        )

    def own_labels(self, sessions: pl.DataFrame) -> pl.DataFrame:
        """The same without what all of the version's labels have in common, reasons as a list."""
        return self.bundle.label(_DESCRIBE.run(sessions))


def label_everything(engine: sa.Engine, labeller: Labeller) -> int:
    """Give every stored session a label of the version, as far as it has none yet.

    Returns:
        The number of labels written.
    """
    with engine.connect() as connection:
        is_there = is_attached(connection, labeller.version)
    n_labels = 0 if is_there else fill_partition(engine, labeller)
    with engine.begin() as connection:
        return n_labels + label_missing(engine, connection, labeller)


def fill_partition(engine: sa.Engine, labeller: Labeller) -> int:
    """Label every stored session into a partition that nobody sees until it is whole.

    What is stored meanwhile is left to `label_missing`, which finds it behind the horizon that is
    noted here.

    Returns:
        The number of labels written.
    """
    n_labels = 0
    with engine.begin() as connection:
        horizon = horizon_now(connection)
        create_partition(connection, labeller.version)
    for sessions in session_batches(engine):
        with engine.begin() as connection:
            copy_frame(connection, partition_of(labeller.version), labeller.label(sessions))
        n_labels += len(sessions)
    with engine.begin() as connection:
        attach_partition(connection, labeller.version)
        place_reader(connection, READER_PREFIX + labeller.version, horizon)
    return n_labels


def count_missing(connection: sa.Connection, version: str) -> int:
    """How many sessions the version has no label for, as far as its position tells."""
    condition, bound = missing(connection, version)
    statement = f"select count(*) from ev_session s where {condition}"  # noqa: S608 - our own SQL
    return int(connection.execute(sa.text(statement), bound).scalar_one())


def label_missing(engine: sa.Engine, connection: sa.Connection, labeller: Labeller) -> int:
    """Label the sessions that are new or corrected since the version's position, and move it.

    Args:
        engine: on which sessions are read, as they are committed.
        connection: the transaction in which labels are written.
        labeller: the version.

    Returns:
        The number of labels written.
    """
    horizon = horizon_now(connection)
    condition, bound = missing(connection, labeller.version)
    n_labels = 0
    connection.exec_driver_sql(_MAKE_NEW)
    for sessions in session_batches(engine, condition, bound):
        connection.exec_driver_sql("truncate ev_session_label_new")
        copy_frame(connection, "ev_session_label_new", labeller.label(sessions))
        n_labels += connection.exec_driver_sql(_MERGE).rowcount
    note_complete(connection, labeller.version, horizon)
    return n_labels


def missing(connection: sa.Connection, version: str) -> tuple[str, dict[str, Any]]:
    """The sessions that the version has no label for: along the log, or by looking at all.

    Returns:
        SQL about `s`, a row of `ev_session`, and the values of its parameters.
    """
    horizon = horizon_of(connection, READER_PREFIX + version)
    if horizon is None:
        return _UNLABELLED, {"version": version}
    return _UNLABELLED_SINCE, {"version": version, "horizon": horizon}


def note_complete(connection: sa.Connection, version: str, horizon: str) -> None:
    """The version has a label for every session below the horizon, and for none that is gone."""
    since = horizon_of(connection, READER_PREFIX + version)
    orphaned = _ORPHANED if since is None else _ORPHANED_SINCE
    connection.execute(sa.text(orphaned), {"version": version, "horizon": since})
    place_reader(connection, READER_PREFIX + version, horizon)


def summarise_labels(engine: sa.Engine, version: str) -> pl.DataFrame:
    """One row a KMeans cluster of the version: its sessions, their typical values, what is odd."""
    return read_frame(
        engine,
        """
        select l.kmeans_cluster, count(*) as n_sessions,
            count(*) / sum(count(*)) over () as share,
            percentile_cont(0.5) within group (order by s.energy_kwh) as median_energy_kwh,
            percentile_cont(0.5) within group (
                order by extract(epoch from s.ended_at - s.started_at) / 3600
            ) as median_duration_h,
            count(*) filter (where l.dbscan_cluster < 0) as n_noise,
            count(*) filter (where l.is_anomaly) as n_anomalies
        from ev_session_label l join ev_session s using (session_id)
        where l.model_version = :version
        group by l.kmeans_cluster order by l.kmeans_cluster
        """,
        {"version": version},
    )
