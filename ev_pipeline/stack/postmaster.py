"""Whether a data directory is being served, and by whom, when its lock file says so.

What lives here: reading `postmaster.pid`. What does not: starting or stopping a server.
"""

from pathlib import Path
from typing import Final

from ev_pipeline.domain.errors import PipelineError

LOCK_FILE: Final = "postmaster.pid"


def require_unserved(data: Path) -> None:
    """No server runs on the data, and no stale lock keeps one from starting.

    PostgreSQL removes the lock of a dead server itself. It does not start where the dead server's
    number has since gone to another program of the same user, which is common after a restart of
    a machine or container: such a lock is removed here, where the kernel can tell.

    Args:
        data: a data directory.

    Raises:
        PipelineError: if a server runs on it.
    """
    lock = data / LOCK_FILE
    if not lock.is_file():
        return
    pid = lock.read_text().partition("\n")[0].strip()
    process = Path("/proc") / pid
    if not pid.isdigit() or not process.is_dir():
        return
    if _serves(process, data):
        raise PipelineError(
            f"a PostgreSQL server that this stack did not start runs on it (process {pid})",
            mend=f"stop it (kill -INT {pid})",
            where=str(data),
        )
    lock.unlink()


def _serves(process: Path, data: Path) -> bool:
    """A server's working directory is its data; PostgreSQL too ignores other users' processes."""
    try:
        return (process / "cwd").readlink() == data.resolve()
    except (PermissionError, FileNotFoundError):
        return False
