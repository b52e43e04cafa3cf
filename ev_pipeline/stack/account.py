"""Who runs the database server: PostgreSQL refuses root, so root hands over to another user.

What lives here: finding that user, and what it can reach. What does not: starting anything.
"""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ev_pipeline.domain.errors import PipelineError

UNPRIVILEGED: Final = ("postgres", "nobody")
"""Users that root hands over to: the database's own where the system has it, else anybody's."""


@dataclass(frozen=True)
class Account:
    """An operating system user.

    Args:
        name: its login name.
        uid: its number.
        gid: its main group's number.
    """

    name: str
    uid: int
    gid: int

    def can_enter(self, path: Path) -> bool:
        """Whether this user reaches a file or directory and may enter or execute it."""
        test = shutil.which("test")
        if test is None:
            raise PipelineError("the program `test` is not on PATH", mend="install coreutils")
        tried = subprocess.run(  # noqa: S603 - a fixed program with a path of ours
            [test, "-x", path], user=self.uid, group=self.gid, extra_groups=[], cwd="/", check=False
        )
        return tried.returncode == 0


def server_account() -> Account | None:
    """The user that the database server runs as.

    Returns:
        An unprivileged user where this process is root, else null: the same user as ours.

    Raises:
        PipelineError: if this is root and the system has no unprivileged user.
    """
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in UNPRIVILEGED:
        if name in known:
            return Account(name, known[name].pw_uid, known[name].pw_gid)
    raise PipelineError(
        "PostgreSQL must not run as root, and there is no user postgres or nobody",
        mend="add one (useradd --system postgres) or run as a user who is not root",
    )


def require_reachable(home: Path, account: Account | None) -> None:
    """The database server's user can pass through every directory above its data.

    Raises:
        PipelineError: if it cannot, naming the directory that stands in the way.
    """
    if account is None:
        return
    for directory in (*reversed(home.parents), home):
        if directory.exists() and not account.can_enter(directory):
            raise PipelineError(
                f"PostgreSQL runs as user {account.name}, who may not enter {directory}",
                mend=f"set EV_HOME to a place that {account.name} can reach "
                "(EV_HOME=/var/lib/ev-pipeline), or start as a user who is not root",
                where=str(home),
            )
