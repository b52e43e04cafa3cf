"""The local PostgreSQL: how its data directory comes to be, and how the server is started.

What lives here: initialisation, server options, roles, readiness. What does not: the schema.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg2

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.stack.account import Account, require_reachable, server_account
from ev_pipeline.stack.binaries import Binaries, find_binaries
from ev_pipeline.stack.credentials import (
    DAGSTER,
    HOST,
    LOGINS,
    OWNER,
    READER,
    SUPERUSER,
    Credentials,
)
from ev_pipeline.stack.layout import PRIVATE_DIRECTORY, Layout

STOP_SIGNAL: Final = signal.SIGINT
"""PostgreSQL's fast shutdown: sessions are ended, everything is written, a clean stop."""

CONNECT_TIMEOUT_S: Final = 2
"""How long one readiness probe may take, s."""

OPTIONS: Final = """
# Written by ev-pipeline when it made this directory. Address and port come from the command line.
unix_socket_directories = ''            # everything connects by TCP; a socket path can be too long
password_encryption = 'scram-sha-256'
max_connections = 100
shared_buffers = '256MB'                # sized for a laptop that does other work too
effective_cache_size = '1GB'
work_mem = '32MB'
maintenance_work_mem = '256MB'
max_wal_size = '2GB'                    # a bulk load should not force checkpoints
random_page_cost = 1.1                  # solid state disks
fsync = on                              # what was committed stays
synchronous_commit = on
full_page_writes = on
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
log_error_verbosity = terse             # DETAIL lines repeat rows, and with them user ids
log_min_error_statement = panic         # statements can hold passwords and user ids
"""

_CREATE_SQL: Final = f"""
CREATE ROLE {OWNER.role} LOGIN;

CREATE ROLE {READER.role} LOGIN;

CREATE ROLE {DAGSTER.role} LOGIN;

CREATE DATABASE {OWNER.database} OWNER {OWNER.role};

CREATE DATABASE {DAGSTER.database} OWNER {DAGSTER.role};

REVOKE ALL ON DATABASE {OWNER.database}, {DAGSTER.database} FROM PUBLIC;

GRANT CONNECT ON DATABASE {OWNER.database} TO {READER.role};

ALTER ROLE {READER.role} SET default_transaction_read_only = on;
"""

_READER_SQL: Final = f"""
ALTER SCHEMA public OWNER TO {OWNER.role};

GRANT USAGE ON SCHEMA public TO {READER.role};

GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER.role};

ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER.role} GRANT SELECT ON TABLES TO {READER.role};
"""


@dataclass(frozen=True)
class Cluster:
    """A complete data directory and what is needed to serve it.

    Args:
        layout: where it lies.
        binaries: the programs of its version.
        account: the user that serves it; null for ours.
        credentials: who may enter.
        port: where it will listen.
    """

    layout: Layout
    binaries: Binaries
    account: Account | None
    credentials: Credentials
    port: int

    @property
    def command(self) -> list[str]:
        """The server in the foreground, on the loopback address only."""
        return [
            str(self.binaries.postgres),
            "-D",
            str(self.layout.postgres),
            "-c",
            f"listen_addresses={HOST}",
            "-c",
            f"port={self.port}",
        ]

    @property
    def environment(self) -> dict[str, str]:
        """Messages in English, whatever the user's language: this code reads some of them."""
        return {"LC_ALL": "C", "PATH": os.defpath}

    def trouble(self) -> str | None:
        """Null where the application's role can log in, else why not."""
        try:
            connection = psycopg2.connect(
                host=HOST,
                port=self.port,
                user=OWNER.role,
                password=self.credentials.password(OWNER),
                dbname=OWNER.database,
                connect_timeout=CONNECT_TIMEOUT_S,
            )
        except psycopg2.OperationalError as error:
            return str(error).strip().splitlines()[0]
        connection.close()
        return None


def prepare(settings: Settings) -> Cluster:
    """There is a complete data directory with all roles: made if there was none.

    An initialisation that was interrupted left nothing under the final name, and is done again.

    Args:
        settings: home, port and where to look for PostgreSQL.

    Raises:
        PipelineError: if the directory, the programs or the user do not fit.
    """
    layout = Layout(settings.home)
    account = server_account()
    require_reachable(layout.home, account)
    layout.make()
    require_reachable(layout.home, account)
    major = stored_major(layout.postgres)
    binaries = find_binaries(settings.postgres_bin, account=account, major=major)
    credentials = Credentials.ensure(layout, settings.postgres_port)
    cluster = Cluster(layout, binaries, account, credentials, settings.postgres_port)
    if major is None:
        _initialise(cluster)
    elif credentials.is_new:
        _run_single_user(cluster, layout.postgres, "postgres", _password_sql(credentials))
    return cluster


def stored_major(directory: Path) -> int | None:
    """The version of PostgreSQL that made the stored data.

    Returns:
        Its major version; null where nothing is stored.

    Raises:
        PipelineError: if something is there that is no complete database.
    """
    if not directory.exists() or not any(directory.iterdir()):
        return None
    version, control = directory / "PG_VERSION", directory / "global" / "pg_control"
    if not version.is_file() or not control.is_file():
        raise PipelineError(
            "this is not a complete PostgreSQL data directory, so nothing was touched",
            mend=f"restore it, or move it away to start empty: mv {directory} {directory}.broken",
            where=str(directory),
        )
    return int(version.read_text().strip())


def _initialise(cluster: Cluster) -> None:
    unfinished = cluster.layout.postgres_unfinished
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=PRIVATE_DIRECTORY)
    if cluster.account:
        os.chown(unfinished, cluster.account.uid, cluster.account.gid)
    try:
        _initdb(cluster, unfinished)
        with (unfinished / "postgresql.conf").open("a") as options:
            options.write(OPTIONS)
        sql = _CREATE_SQL + _password_sql(cluster.credentials)
        _run_single_user(cluster, unfinished, "postgres", sql)
        _run_single_user(cluster, unfinished, OWNER.database, _READER_SQL)
    except PipelineError:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    unfinished.replace(cluster.layout.postgres)


def _initdb(cluster: Cluster, directory: Path) -> None:
    with tempfile.NamedTemporaryFile("w", dir=cluster.layout.home) as password:
        password.write(cluster.credentials.password(SUPERUSER))
        password.flush()
        if cluster.account:
            os.chown(password.name, cluster.account.uid, cluster.account.gid)
        command = [
            str(cluster.binaries.initdb),
            f"--pgdata={directory}",
            f"--username={SUPERUSER.role}",
            f"--pwfile={password.name}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
            "--data-checksums",
        ]
        _run(cluster, command, stdin="")


def _password_sql(credentials: Credentials) -> str:
    lines = [
        f"ALTER ROLE {login.role} PASSWORD '{credentials.password(login)}';\n\n" for login in LOGINS
    ]
    return "".join(lines)


def _run_single_user(cluster: Cluster, directory: Path, database: str, sql: str) -> None:
    """PostgreSQL without a network: nobody else can be in while roles are made."""
    command = [str(cluster.binaries.postgres), "--single", "-j", "-D", str(directory)]
    command += ["-c", "exit_on_error=on", "-c", "log_min_error_statement=panic", database]
    _run(cluster, command, stdin=sql)


def _run(cluster: Cluster, command: Sequence[str], *, stdin: str) -> None:
    account = cluster.account
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs
        command,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env=cluster.environment,
        cwd=cluster.layout.home,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode == 0:
        return
    if "No space left on device" in done.stderr:
        raise PipelineError(
            "the disk is full: PostgreSQL's data directory could not be made",
            mend="free about 200 MB, or set EV_HOME to another disk",
            where=str(cluster.layout.home),
        )
    reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
    raise PipelineError(
        f"{Path(command[0]).name} failed: {reason[0]}",
        mend="mend that and start again; nothing was left behind",
        where=str(cluster.layout.home),
    )
