"""What a backup says of itself, and whether it is still what was written.

What lives here: `manifest.json`. What does not: what the files hold.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stack.private_files import write_private

FILE: Final = "manifest.json"

FORMAT: Final = 1
"""Of the backup's own layout; a reader that knows only older ones must refuse it."""


@dataclass(frozen=True)
class Kept:
    """One file of a backup.

    Args:
        sha256: of its content, hexadecimal.
        n_bytes: its size.
    """

    sha256: str
    n_bytes: int


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself.

    Args:
        version: the ev-pipeline that wrote it.
        schema_revision: the schema of its database.
        postgres_major: the newest version of the programs that dumped its databases.
        created_at: when it was begun, UTC: what was accepted before is in it.
        files: every file by its path in the backup.
    """

    version: str
    schema_revision: str
    postgres_major: int
    created_at: datetime
    files: Mapping[str, Kept]

    @property
    def n_bytes(self) -> int:
        """The size of all files."""
        return sum(kept.n_bytes for kept in self.files.values())

    def write(self, directory: Path) -> None:
        """The backup has its manifest."""
        document = {"format": FORMAT, **asdict(self), "created_at": self.created_at.isoformat()}
        write_private(directory / FILE, json.dumps(document, indent=1) + "\n")


def describe_files(directory: Path) -> dict[str, Kept]:
    """Every file below the directory as it is now."""
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): _describe(path) for path in paths}


def read_manifest(directory: Path) -> Manifest:
    """What the backup in the directory says of itself.

    Raises:
        PipelineError: there is none, or it is of a newer format.
    """
    path = directory / FILE
    if not path.is_file():
        raise PipelineError(
            "this is no backup: it has no manifest.json",
            mend="name the directory that `ev-pipeline backup` wrote",
            where=str(directory),
        )
    try:
        document: dict[str, Any] = json.loads(path.read_text())
        if document["format"] != FORMAT:
            raise PipelineError(
                f"its format is {document['format']}, and this version reads {FORMAT}",
                mend=f"restore it with ev-pipeline {document['version']}, which wrote it",
                where=str(path),
            )
        return _understand(document)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise PipelineError(
            f"not a backup's manifest ({error})", mend="use another backup", where=str(path)
        ) from error


def require_whole(manifest: Manifest, directory: Path) -> None:
    """Every file of the backup is there, as it was written.

    Raises:
        PipelineError: naming the first that is not.
    """
    for name, kept in manifest.files.items():
        path = directory / name
        if not path.is_file():
            raise PipelineError("the file is missing", mend="use another backup", where=str(path))
        if _describe(path) != kept:
            raise PipelineError(
                "the file is not what the backup wrote: its SHA-256 is another",
                mend="use another backup, or a fresh copy of this one",
                where=str(path),
            )


def _understand(document: Mapping[str, Any]) -> Manifest:
    for name in document["files"]:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{name!r} would lie elsewhere")
    return Manifest(
        document["version"],
        document["schema_revision"],
        int(document["postgres_major"]),
        datetime.fromisoformat(document["created_at"]),
        {name: Kept(**each) for name, each in document["files"].items()},
    )


def _describe(path: Path) -> Kept:
    with path.open("rb") as file:
        return Kept(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)
