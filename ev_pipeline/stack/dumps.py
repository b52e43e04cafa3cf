"""PostgreSQL's own programs that write a database into a file, and bring it back.

What lives here: finding them, running them, what their errors mean. What does not: which databases
there are, or where the files lie (`backup`, `restore`).

References:
    PostgreSQL documentation, pg_dump: it refuses a server that is newer than itself, and
    pg_restore an archive of a newer pg_dump.
"""

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg2
from sqlalchemy.engine import URL

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stack import process
from ev_pipeline.stack.binaries import candidates

CONNECT_TIMEOUT_S: Final = 10
"""s; a database that does not answer by then is away."""

COMPRESSION: Final = 1
"""gzip's fastest: numbers and texts shrink to a third by it, and slower ones gain little more."""

_DISK_FULL: Final = "No space left on device"

_TABLES: Final = "select count(*)::int from pg_tables where schemaname = 'public'"


@dataclass(frozen=True)
class Tool:
    """One of the programs.

    Args:
        program: where it is.
        major: its major version.
    """

    program: Path
    major: int


@dataclass(frozen=True)
class Server:
    """What must be known of a database before it is dumped, or restored into.

    Args:
        major: the major version of its server.
        n_tables: tables that it holds.
    """

    major: int
    n_tables: int


def ask_server(url: URL) -> Server:
    """The database has answered.

    Raises:
        PipelineError: it does not.
    """
    try:
        with closing(
            psycopg2.connect(
                _conninfo(url), password=url.password, connect_timeout=CONNECT_TIMEOUT_S
            )
        ) as connection:
            cursor = connection.cursor()
            cursor.execute(_TABLES)
            ((n_tables,),) = cursor.fetchall()
            return Server(connection.server_version // 10_000, n_tables)
    except psycopg2.OperationalError as error:
        raise PipelineError(
            f"the database does not answer ({str(error).strip().splitlines()[0]})",
            mend="start it, or mend the variable that names it",
            where=shown(url),
        ) from error


def dump(url: URL, file: Path, *, forced: Path | None) -> int:
    """The file holds all of the database as it was in one moment.

    Args:
        url: the database, by a role that may read all of it.
        file: the file, which is made.
        forced: the only directory to look for PostgreSQL's programs in, or null.

    Returns:
        The major version of the program that wrote it.

    Raises:
        PipelineError: no program fits, the database fails, or the disk is full.
    """
    tool = _find("pg_dump", forced, oldest=ask_server(url).major)
    options = ["--format=custom", f"--compress={COMPRESSION}", f"--file={file}"]
    _run(tool, [*options, *_OF_NOBODY, f"--dbname={_conninfo(url)}"], url, file)
    return tool.major


def restore(url: URL, file: Path, *, major: int, forced: Path | None) -> None:
    """The empty database holds what the file says; all of it, or, after an error, nothing.

    Args:
        url: the database, by the role that everything will belong to.
        file: what `dump` wrote.
        major: the version of the program that wrote it.
        forced: the only directory to look for PostgreSQL's programs in, or null.

    Raises:
        PipelineError: no program fits, or the database fails.
    """
    tool = _find("pg_restore", forced, oldest=major)
    options = ["--single-transaction", "--exit-on-error"]
    _run(tool, [*options, *_OF_NOBODY, f"--dbname={_conninfo(url)}", str(file)], url, file)


_OF_NOBODY: Final = ("--no-owner", "--no-privileges", "--no-password")
"""Whoever restores owns it; the reader's rights come from the database that it is restored into."""


def shown(url: URL) -> str:
    """The database as errors name it."""
    return f"{url.host}:{url.port}/{url.database}"


def _conninfo(url: URL) -> str:
    """Everything but the password, which arguments would show to every user."""
    plain = URL.create(
        "postgresql",
        username=url.username,
        host=url.host,
        port=url.port,
        database=url.database,
        query=url.query,
    )
    return plain.render_as_string(hide_password=False)


def _find(name: str, forced: Path | None, *, oldest: int) -> Tool:
    """The oldest program that fits: what it writes can be read by most others."""
    directories = [forced] if forced else list(dict.fromkeys(candidates()))
    found = [tool for each in directories if (tool := _inspect(each / name))]
    fitting = [tool for tool in found if tool.major >= oldest]
    if fitting:
        return min(fitting, key=lambda tool: tool.major)
    there_is = ", ".join(f"{tool.major} in {tool.program.parent}" for tool in found) or "none"
    raise PipelineError(
        f"{name} {oldest} or newer is needed, and there is {there_is}",
        mend=f"apt-get install postgresql-client-{oldest}, "
        "or set EV_POSTGRES_BIN to a directory that has it",
    )


def _inspect(program: Path) -> Tool | None:
    if not program.is_file():
        return None
    asked = subprocess.run(  # noqa: S603 - a program that was found as PostgreSQL's
        [program, "--version"], capture_output=True, text=True, check=False
    )
    version = re.search(r"\(PostgreSQL\) (\d+)", asked.stdout)
    return Tool(program, int(version[1])) if version else None


def _run(tool: Tool, arguments: Sequence[str], url: URL, file: Path) -> None:
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program
        [str(tool.program), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C", "PATH": os.defpath, "PGPASSWORD": str(url.password or "")},
        preexec_fn=process.dies_with_parent(signal.SIGTERM),
    )
    if done.returncode == 0:
        return
    if _DISK_FULL in done.stderr:
        raise PipelineError(
            "the disk is full", mend="free some room, then do it again", where=str(file)
        )
    lines = [line for line in done.stderr.splitlines() if "error:" in line]
    reason = lines[0].partition("error:")[2].strip() if lines else f"exit code {done.returncode}"
    raise PipelineError(
        f"{tool.program.name} failed: {reason}",
        mend="mend that and do it again; nothing half done was left behind",
        where=shown(url),
    )
