"""Removing what a local stack keeps: all of it, and nothing that is somebody else's.

What lives here: what is ours under a home, and its removal. What does not: stopping the stack
(`background`), or asking whether it is meant (`cli`).
"""

import os
import shutil
from pathlib import Path

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.accounts import ACCOUNTS_FILE
from ev_pipeline.settings import stack_file
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.postmaster import require_unserved
from ev_pipeline.stack.state import become_only_supervisor, has_had_supervisor


def require_ours(layout: Layout) -> None:
    """A stack was started in this home, by this user.

    Raises:
        PipelineError: otherwise; nothing was changed.
    """
    if layout.run.is_dir() and os.geteuid() not in {0, layout.run.stat().st_uid}:
        raise PipelineError(
            "belongs to another user: nothing is removed",
            mend="run as the user who started the stack",
            where=str(layout.home),
        )
    if not has_had_supervisor(layout):
        raise PipelineError(
            "no stack was ever started there: nothing is removed",
            mend="set EV_HOME to the home that is meant",
            where=str(layout.home),
        )


def size_bytes(layout: Layout) -> int:
    """What the stack's files take, bytes; links count as themselves."""
    total = 0
    for place in _kept(layout):
        for folder, _, names in os.walk(place):
            for name in names:
                total += (Path(folder) / name).lstat().st_size
    return total


def purge(layout: Layout) -> list[Path]:
    """Nothing of the stack is left in its home, and nothing else was touched.

    A link is removed, and what it leads to stays. No stack can start meanwhile, and a removal that
    was interrupted can be run again: what marks the home as ours goes last.

    Args:
        layout: a home whose stack is down.

    Returns:
        What is still in the home, since no stack of ours put it there; the home itself is gone
        where that is nothing.

    Raises:
        PipelineError: a stack runs there, or something cannot be removed.
    """
    require_ours(layout)
    lock = become_only_supervisor(layout)
    try:
        require_unserved(layout.postgres)
        for path in _kept(layout):
            _remove(path)
        return _rest(layout.home)
    except OSError as error:
        raise PipelineError(
            f"cannot be removed: {error.strerror}",
            mend="run again as the user who started the stack, or as root",
            where=str(error.filename or layout.home),
        ) from error
    finally:
        os.close(lock)


def _kept(layout: Layout) -> list[Path]:
    """All that a stack makes under its home, in the order in which it may be removed."""
    places = (
        *(layout.postgres, layout.postgres_unfinished, layout.mosquitto, layout.nodered),
        *(layout.dagster, layout.certificates, layout.credentials, layout.logs),
        *(layout.outbox, layout.restore_unfinished, layout.restore_mark),
        *(layout.home / ACCOUNTS_FILE, stack_file(layout.home), layout.run),
    )
    return [path for path in places if path.exists() or path.is_symlink()]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)  # it follows no link within either
    else:
        path.unlink()


def _rest(home: Path) -> list[Path]:
    rest = sorted(home.iterdir())
    if not rest and not home.is_symlink():
        home.rmdir()
    return rest
