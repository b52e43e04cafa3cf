"""Databases as earlier versions left them: the earlier schema, with everything that it could hold.

What lives here: making them of a database that was filled today. What does not: what they are
compared with after their upgrade (`test_migrations`).
"""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa
from alembic import command

from ev_pipeline.settings import Settings
from ev_pipeline.stack.credentials import OWNER
from ev_pipeline.storage.engine import connect, migration_config
from ev_pipeline.storage.tables.schema import SCHEMA
from ev_pipeline_tests.conftest import PostgresServer

_PARTITIONS: Final = """
    select c.relname, substring(pg_get_expr(c.relpartbound, c.oid) from '''(.*)''')
    from pg_class c join pg_inherits i on i.inhrelid = c.oid
    where i.inhparent = 'ev_session_label'::regclass
"""
"""The partitions of labels, and the model version of each."""

_AS_IT_WAS: Final = (
    (
        "0007",
        "0010",
        """
        update ev_quarantine q
        set raw_sha256 = encode(sha256(l.header || '\\x0a'::bytea || q.raw), 'hex')
        from ev_quarantine_sighting w join ev_load l using (load_id)
        where l.header is not null and w.quarantine_id = q.quarantine_id
        """,
    ),
    ("0008", "0008", "update ev_station set registered_zone = time_zone where is_registered"),
)
"""What versions from the one to the other wrote otherwise."""


@contextmanager
def new_database(server: PostgresServer) -> Iterator[sa.Engine]:
    """An empty database, without a schema."""
    name = f"test_{uuid.uuid4().hex}"
    server.execute(f"create database {name} owner {OWNER.role}")
    engine = connect(Settings(database_url=server.url(OWNER.role, name)))
    try:
        yield engine
    finally:
        engine.dispose()
        server.execute(f"drop database {name} with (force)")


def fill_as_of(revision: str, filled: sa.Engine, earlier: sa.Engine) -> dict[str, list[str]]:
    """The empty database has the revision's schema, and of the filled one what that can hold.

    Returns:
        The columns that were copied, by table.
    """
    with earlier.begin() as target, filled.connect() as source:
        config = migration_config()
        config.attributes["connection"] = target
        command.upgrade(config, revision)
        for partition, version in source.exec_driver_sql(_PARTITIONS).all():
            target.exec_driver_sql(
                f"create table {partition} partition of ev_session_label"
                f" for values in ('{version}')"
            )
        copied = _common_columns(target)
        for table, columns in copied.items():
            _copy(source, target, table, columns)
        for first, last, statement in _AS_IT_WAS:
            if first <= revision <= last:
                target.exec_driver_sql(statement)
    return copied


def rows_of(engine: sa.Engine, table: str, columns: list[str]) -> list[str]:
    """The table's rows as texts, sorted: those columns of them."""
    names = ", ".join(columns)
    with engine.connect() as connection:
        found = connection.exec_driver_sql(f"select row({names})::text from {table} order by 1")
        return list(found.scalars())


def _common_columns(target: sa.Connection) -> dict[str, list[str]]:
    inspector = sa.inspect(target)
    there = {
        table: {column["name"] for column in inspector.get_columns(table)}
        for table in inspector.get_table_names()
    }
    return {
        table.name: [name for name in table.columns.keys() if name in there[table.name]]  # noqa: SIM118 -- no dict
        for table in SCHEMA.sorted_tables
        if table.name in there
    }


def _copy(source: sa.Connection, target: sa.Connection, table: str, columns: list[str]) -> None:
    names = ", ".join(columns)
    with tempfile.TemporaryFile() as rows:
        reading, writing = source.connection.cursor(), target.connection.cursor()
        reading.copy_expert(f"copy (select {names} from {table}) to stdout", rows)
        rows.seek(0)
        writing.copy_expert(f"copy {table} ({names}) from stdin", rows)
