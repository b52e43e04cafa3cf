"""The benchmark's own PostgreSQL.

What lives here: the server, its databases, and the CPU of one of its processes. What does not: what
is measured.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline.stack.credentials import OWNER, SUPERUSER
from ev_pipeline.stack.postgres import prepare
from ev_pipeline.stack.serving import served
from ev_pipeline.storage.engine import connect, migrate
from ev_pipeline_tests.conftest import PostgresServer, free_port, make_home

_CLOCK_TICK_S: Final = 0.01


class Server:
    """The benchmark's PostgreSQL and its databases."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        engine = connect(self.settings(OWNER.database))
        migrate(engine)
        engine.dispose()

    def settings(self, database: str) -> Settings:
        """Settings that name a database of this server."""
        return Settings(database_url=self._server.url(OWNER.role, database))

    def copy(self, database: str, template: str = OWNER.database) -> Settings:
        """A new database with all that another holds; nothing is left to be written to disk."""
        self._server.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        self._server.execute(f"CREATE DATABASE {database} TEMPLATE {template} OWNER {OWNER.role}")
        self._server.execute("CHECKPOINT")
        return self.settings(database)

    def version(self) -> str:
        """The server's version."""
        with sa.create_engine(self._server.url(SUPERUSER.role, "postgres")).connect() as connection:
            return str(connection.execute(sa.text("show server_version")).scalar_one())


@contextmanager
def running() -> Iterator[Server]:
    """Within, a server with an empty schema answers."""
    home = make_home()
    cluster = prepare(Settings(home=home, postgres_port=free_port()))
    try:
        with served(cluster):
            yield Server(PostgresServer(cluster))
    finally:
        shutil.rmtree(home)


def pid_of(connection: sa.Connection) -> int:
    """The process that serves the connection."""
    return int(connection.execute(sa.select(sa.func.pg_backend_pid())).scalar_one())


def cpu_s(pid: int) -> float:
    """CPU seconds of another process of this machine."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * _CLOCK_TICK_S
