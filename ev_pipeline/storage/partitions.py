"""The partitions of `ev_session_label`: one a model version, seen only once it is whole.

What lives here: their names, making, attaching and dropping them without stopping readers.
What does not: what is written into them (`labels`).
"""

import re
from dataclasses import dataclass
from typing import Final

import psycopg2.errors
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from ev_pipeline.storage.tables.models import ev_session_label

TABLE: Final = ev_session_label.name

READER_PREFIX: Final = "labels/"
"""Beginning of the name by which a partition follows the change log; its version completes it."""

_LOCK_TIMEOUT_S: Final = 30
"""s; a reader that holds labels longer delays dropping old ones to the next promotion."""

_PARTITIONS: Final = """
    select c.relname, i.inhparent is not null as is_attached,
        coalesce(i.inhdetachpending, false) as is_detaching
    from pg_class c left join pg_inherits i on i.inhrelid = c.oid
    where c.relkind = 'r' and starts_with(c.relname, :prefix)
        and c.relnamespace = (
            select p.relnamespace from pg_class p where p.oid = cast(:table as regclass)
        )
        and exists (
            select from pg_constraint k where k.conrelid = c.oid and k.conname = 'of_version'
        )
    order by c.relname
"""


@dataclass(frozen=True, slots=True)
class _Partition:
    name: str
    is_attached: bool
    is_detaching: bool

    @property
    def is_readable(self) -> bool:
        return self.is_attached and not self.is_detaching


def partition_of(version: str) -> str:
    """The name of the version's partition."""
    return f"{TABLE}_{re.sub('[^a-z0-9]', '_', version.lower())}"


def is_attached(connection: sa.Connection, version: str) -> bool:
    """Whether the version's labels can be read."""
    name = partition_of(version)
    return any(found.name == name and found.is_readable for found in _partitions(connection))


def create_partition(connection: sa.Connection, version: str) -> None:
    """Make the version's partition, empty and not attached, in place of one left unfinished."""
    connection.exec_driver_sql(f"drop table if exists {partition_of(version)}")
    connection.exec_driver_sql(
        f"create table {partition_of(version)} (like {TABLE} including defaults including comments,"
        # The check saves the scan with which attaching would prove the same.
        f" constraint of_version check (model_version = '{version}'))"
    )


def attach_partition(connection: sa.Connection, version: str) -> None:
    """Show the version's partition; its key is built on the way, and nobody waits for that."""
    partition = partition_of(version)
    connection.exec_driver_sql(
        f"alter table {TABLE} attach partition {partition} for values in ('{version}')"
    )
    connection.exec_driver_sql(f"analyze {partition}")


def drop_partitions(engine: sa.Engine, *, keep: set[str]) -> list[str]:
    """Drop the labels of every version but those to keep, and what a killed promotion left.

    Returns:
        Names of the tables dropped; where a reader holds one for long, the rest are left for the
        next time.
    """
    kept = {partition_of(version) for version in keep}
    dropped: list[str] = []
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()  # its lock timeout ends with it
        connection.exec_driver_sql(f"set lock_timeout = '{_LOCK_TIMEOUT_S}s'")
        for partition in _partitions(connection):
            if partition.name in kept and partition.is_readable:
                continue
            try:
                _drop_partition(connection, partition)
            except OperationalError as error:
                if isinstance(error.orig, psycopg2.errors.LockNotAvailable):
                    break
                raise
            dropped.append(partition.name)
        _forget_positions(connection, keep)
    return dropped


def _partitions(connection: sa.Connection) -> list[_Partition]:
    rows = connection.execute(sa.text(_PARTITIONS), {"prefix": f"{TABLE}_", "table": TABLE})
    return [_Partition(*row) for row in rows]


def _drop_partition(connection: sa.Connection, partition: _Partition) -> None:
    if partition.is_attached:
        # Concurrently: an ordinary detach would stop every reader of labels for a moment.
        how = "finalize" if partition.is_detaching else "concurrently"
        connection.exec_driver_sql(f"alter table {TABLE} detach partition {partition.name} {how}")
    connection.exec_driver_sql(f"drop table {partition.name}")


def _forget_positions(connection: sa.Connection, keep: set[str]) -> None:
    connection.execute(
        sa.text(
            "delete from ev_reader where starts_with(reader, :prefix) and reader <> all(:kept)"
        ),
        {"prefix": READER_PREFIX, "kept": [READER_PREFIX + version for version in keep]},
    )
