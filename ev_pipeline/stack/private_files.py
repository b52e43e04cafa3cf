"""Files that only their owner ever could read, whole or not there, also after a loss of power.

What lives here: how they are written and copied. What does not: what they hold.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ev_pipeline.stack.account import Account
from ev_pipeline.stack.layout import PRIVATE_FILE


def write_private(
    path: Path, text: str, *, owner: Account | None = None, mode: int = PRIVATE_FILE
) -> None:
    """The file holds the text, replaced in one step, and only its owner ever could read it.

    Args:
        path: the file.
        text: all that it holds.
        owner: the user that it belongs to; null for ours.
        mode: its mode; another than private for what everybody may read.
    """
    with replaced_together() as files:
        files.write(path, text, owner=owner, mode=mode)


@dataclass
class PrivateFiles:
    """Files that are written beside their places, which they take together.

    Args:
        unfinished: where each is until then, by its place.
    """

    unfinished: dict[Path, Path] = field(default_factory=dict)

    def write(
        self, path: Path, text: str, *, owner: Account | None = None, mode: int = PRIVATE_FILE
    ) -> None:
        """As `write_private`; of two texts for one file the later one counts."""
        if path not in self.unfinished and path.exists() and path.read_text() == text:
            path.chmod(mode)
            return
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        self.unfinished[path] = unfinished
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w") as file:
            if owner:
                os.fchown(file.fileno(), owner.uid, owner.gid)
            os.fchmod(file.fileno(), mode)  # whatever the umask is
            file.write(text)
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def replaced_together() -> Iterator[PrivateFiles]:
    """Within, files are written; afterwards all are in their places, or, after an error, none."""
    files = PrivateFiles()
    try:
        yield files
    except BaseException:
        for unfinished in files.unfinished.values():
            unfinished.unlink(missing_ok=True)
        raise
    for path, unfinished in files.unfinished.items():
        unfinished.replace(path)


def copy_file(source: Path, target: Path, *, mode: int = PRIVATE_FILE) -> None:
    """The new file holds what the source does, and from its first moment has the mode."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file, source.open("rb") as text:
        os.fchmod(file.fileno(), mode)  # whatever the umask is
        shutil.copyfileobj(text, file)


def write_out(path: Path) -> None:
    """What the file holds, or which names the directory does, outlives a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
