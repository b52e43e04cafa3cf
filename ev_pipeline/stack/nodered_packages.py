"""Node-RED's own packages: placed once, by the lock file, beside Python's.

`python -m ev_pipeline.stack.nodered_packages` places them; `make setup` runs it. What lives here:
where they are, and npm. What does not: running Node-RED (`nodered`).
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stack.node import Node, find_node
from ev_pipeline.stack.shipped import shipped_directory

LOCK_FILE: Final = "package-lock.json"

_STAMP: Final = ".placed"
"""Holds the lock file's hash, written last: without it a folder is half of one."""

_NPM_OPTIONS: Final = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")
"""What the lock file names, the tests' helper too, as `.venv` has pytest; nothing else, and no
program of a package runs on the way."""


def packages_directory() -> Path:
    """Where they are placed, if they are."""
    return Path(sys.prefix) / "nodered"


def require_packages(directory: Path) -> Path:
    """Node-RED's program, with all that it needs beside it.

    Args:
        directory: where the packages are.

    Raises:
        PipelineError: they are not there, or of another version's lock file.
    """
    if not _is_placed(directory):
        raise PipelineError(
            "Node-RED's packages are not there, or of another version",
            mend=f"run `make setup`, or {Path(sys.executable).name} -m {__spec__.name}",
            where=str(directory),
        )
    return directory / "node_modules" / "node-red" / "red.js"


def place_packages(directory: Path) -> None:
    """They are there, as the lock file names them.

    Raises:
        PipelineError: there is no Node.js, or npm failed.
    """
    if _is_placed(directory):
        return
    node = find_node(account=None)
    if not node.npm:
        raise PipelineError(
            f"there is no npm beside {node.program}", mend="install it (apt-get install npm)"
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with (directory / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two that set up at once
            if not _is_placed(directory):
                _install(node, directory)
    except OSError as error:
        raise PipelineError(
            f"Node-RED's packages cannot be placed ({error.strerror})",
            mend="run `make setup` as the user who made .venv",
            where=str(directory),
        ) from error


def _install(node: Node, directory: Path) -> None:
    for name in ("package.json", LOCK_FILE):
        shutil.copyfile(shipped_directory("infra/nodered") / name, directory / name)
    path = f"{node.program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    npm = subprocess.run(  # noqa: S603 - npm, as it was found beside Node.js
        [*node.npm, *_NPM_OPTIONS],
        cwd=directory,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if npm.returncode != 0:
        reason = next((line for line in npm.stderr.splitlines() if "error" in line), "no reason")
        raise PipelineError(
            f"npm could not place Node-RED's packages ({reason})",
            mend="check the network and npm's configuration, then `make setup`",
            where=str(directory),
        )
    (directory / _STAMP).write_text(_wanted())


def _is_placed(directory: Path) -> bool:
    stamp = directory / _STAMP
    return stamp.is_file() and stamp.read_text() == _wanted()


def _wanted() -> str:
    lock = shipped_directory("infra/nodered") / LOCK_FILE
    return hashlib.sha256(lock.read_bytes()).hexdigest()


if __name__ == "__main__":
    try:
        place_packages(packages_directory())
    except PipelineError as failure:
        sys.exit(f"error: {failure}")
