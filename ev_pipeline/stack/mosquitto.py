"""Eclipse Mosquitto's programs: the ones that `make setup` placed, else the system's.

What lives here: finding them. What does not: running a broker.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stack.account import Account

PROGRAM: Final = "mosquitto"

MAJOR: Final = 2
"""The version whose options and persistence the configuration is made for."""

SYSTEM_PLACES: Final = (
    Path("/usr/sbin"),
    Path("/usr/local/sbin"),
    Path("/opt/homebrew/sbin"),
    Path("/usr/local/opt/mosquitto/sbin"),
)
"""Where Debian, a source build and Homebrew put the broker, off a user's PATH."""

INSTALLERS: Final = MappingProxyType(
    {
        "apt-get": "apt-get install mosquitto mosquitto-clients",
        "dnf": "dnf install mosquitto",
        "apk": "apk add mosquitto mosquitto-clients",
        "brew": "brew install mosquitto",
    }
)
"""The line that installs it, by the system's package manager."""

_VERSION: Final = re.compile(r"mosquitto version (\d+)\.(\S+)")


def find_mosquitto(forced: Path | None, *, account: Account | None) -> Path:
    """The broker's program: in the forced directory, else the first that fits.

    Args:
        forced: the only directory to look in, or null.
        account: who will run it, or null for this process's user.

    Raises:
        PipelineError: if none fits, with the line that installs one on this system.
    """
    directories = [forced] if forced else list(_candidates())
    for directory in directories:
        program = directory / PROGRAM
        if program.is_file() and (account is None or account.can_enter(program)):
            found = version(program)
            if found is not None and found[0] == MAJOR:
                return program
    if forced:
        raise PipelineError(
            f"EV_MOSQUITTO_BIN={forced} holds no {PROGRAM} {MAJOR} that can be run",
            mend="name another directory, or unset it to use what is found",
        )
    line = next((INSTALLERS[each] for each in INSTALLERS if shutil.which(each)), None)
    raise PipelineError(
        f"Eclipse Mosquitto {MAJOR} is not installed",
        mend=f"run `make setup`, or install it ({line or 'https://mosquitto.org/download'}), "
        "or set EV_MOSQUITTO_BIN to its directory",
    )


def version(program: Path) -> tuple[int, str] | None:
    """Its major version and the rest; null where it does not run or is another program."""
    try:
        asked = subprocess.run(  # noqa: S603 - a program that was found as the broker's
            [program, "-h"], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    found = _VERSION.search(asked.stdout)
    return (int(found[1]), found[2]) if found else None


def _candidates() -> Iterator[Path]:
    """`make setup` places one beside Python where the system has none."""
    yield Path(sys.prefix) / "bin"
    on_path = shutil.which(PROGRAM, path=os.environ.get("PATH", os.defpath))
    if on_path:
        yield Path(on_path).parent
    yield from SYSTEM_PLACES
