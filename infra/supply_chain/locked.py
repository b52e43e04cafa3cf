"""What the lock files name, and the programs that ask about it.

What lives here: reading the lock files, finding uv and npm. What does not: any judgement.
"""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stack.node import find_node

ROOT: Final = Path(__file__).parents[2]
PYTHON_LOCK: Final = ROOT / "requirements.lock"
NPM_FOLDER: Final = ROOT / "infra" / "nodered"

ANSWER_WITHIN_S: Final = 300
"""s; a client that asks an index about some fifty packages takes ten."""


def locked_python() -> list[str]:
    """Every package of `requirements.lock`, for whatever platform."""
    names = re.findall(r"^([A-Za-z0-9._-]+)==", PYTHON_LOCK.read_text(), re.MULTILINE)
    return sorted({canonicalize_name(name) for name in names})


def locked_npm() -> dict[str, dict[str, Any]]:
    """Every package of npm's lock file, by its place."""
    document = json.loads((NPM_FOLDER / "package-lock.json").read_text())
    packages: dict[str, dict[str, Any]] = document["packages"]
    return {place: package for place, package in packages.items() if place}


def direct_python() -> list[str]:
    """The packages that `pyproject.toml` asks for itself, in every group."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
        *project["build-system"]["requires"],
    ]
    return sorted({canonicalize_name(Requirement(line).name) for line in asked})


def direct_npm() -> list[str]:
    """The packages that Node-RED's `package.json` asks for itself."""
    document = json.loads((NPM_FOLDER / "package.json").read_text())
    return sorted({**document["dependencies"], **document["devDependencies"]})


def uv() -> str:
    """The program that `make setup` uses.

    Raises:
        PipelineError: there is none.
    """
    found = shutil.which("uv", path=None) or shutil.which(ROOT / ".uv" / "bin" / "uv")
    if found is None:
        raise PipelineError("uv is not there", mend="run `make setup`, which fetches it")
    return found


def npm() -> tuple[str, ...]:
    """The command of npm; empty where Node.js came without it."""
    return find_node(account=None).npm


def ask(command: Sequence[str], *, directory: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """What a client said.

    Raises:
        PipelineError: it said nothing in time.
    """
    try:
        return subprocess.run(  # noqa: S603 - package clients, with names from our own files
            command,
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=ANSWER_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PipelineError(
            f"{Path(command[0]).name} did not answer within {ANSWER_WITHIN_S} s",
            mend="check the network, then try again",
        ) from error
