"""How the local PostgreSQL's data directory comes to be: with its options, roles and databases.

What lives here: everything that happens once, without a network. What does not: which roles there
are (`roles`), or the schema.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stack.cluster import Cluster
from ev_pipeline.stack.credentials import OWNER, SUPERUSER
from ev_pipeline.stack.layout import PRIVATE_DIRECTORY
from ev_pipeline.stack.roles import DATABASES, READER_RIGHTS, RIGHTS, ROLES, passwords

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


def initialise(cluster: Cluster) -> None:
    """The data directory is complete, with all roles and databases.

    It gets its name when it is complete: an interrupted start leaves nothing under that name.

    Raises:
        PipelineError: if it cannot be made; nothing is left behind then.
    """
    unfinished = cluster.layout.postgres_unfinished
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=PRIVATE_DIRECTORY)
    if cluster.account:
        os.chown(unfinished, cluster.account.uid, cluster.account.gid)
    try:
        _initdb(cluster, unfinished)
        with (unfinished / "postgresql.conf").open("a") as options:
            options.write(OPTIONS)
        made = (*ROLES.values(), *DATABASES.values(), *RIGHTS, *passwords(cluster.credentials))
        _run_single_user(cluster, unfinished, "postgres", made)
        _run_single_user(cluster, unfinished, OWNER.database, READER_RIGHTS)
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


def _run_single_user(
    cluster: Cluster, directory: Path, database: str, statements: Iterable[str]
) -> None:
    """PostgreSQL without a network: nobody else can be in while roles are made."""
    sql = "".join(f"{statement};\n\n" for statement in statements)
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


def set_passwords(cluster: Cluster) -> None:
    """The roles have the passwords of today's credentials; for a server that does not run."""
    statements = passwords(cluster.credentials)
    _run_single_user(cluster, cluster.layout.postgres, "postgres", statements)
