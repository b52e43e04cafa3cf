"""What can be wrong with a local stack: one small check each, with the mend.

What lives here: checks over files, ports, programs and clock. What does not: the database's
schema, which `cli` adds, and the mending itself.
"""

import shutil
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.stack.account import require_reachable, server_account
from ev_pipeline.stack.binaries import find_binaries
from ev_pipeline.stack.certificates import expiries
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.mosquitto import find_mosquitto
from ev_pipeline.stack.nodered import find_programs
from ev_pipeline.stack.ports import require_free, stack_ports
from ev_pipeline.stack.postgres import require_owner, stored_major
from ev_pipeline.stack.postmaster import require_unserved
from ev_pipeline.stack.state import ended_by_itself, read_state

LEAST_FREE_BYTES: Final = 1_000_000_000
"""Less free space than this and PostgreSQL's log of changes (up to 2 GB) can fill the disk."""

EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Before this code was written: a clock that says so is wrong."""

CLOCK_TOLERANCE_S: Final = 300
"""How far ahead of now a file's time may lie, s: file servers' clocks differ a little."""

Check = Callable[[Settings], str]
"""Says in a few words what is right, or raises a `PipelineError` that says what is wrong."""


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Args:
        name: the check.
        is_ok: whether nothing needs mending.
        what: what was found.
        mend: what to do about it; empty where nothing is.
    """

    name: str
    is_ok: bool
    what: str
    mend: str = ""


def examine(name: str, check: Check, settings: Settings) -> Finding:
    """The check's finding, whichever way it says it."""
    try:
        return Finding(name, is_ok=True, what=check(settings))
    except PipelineError as error:
        place = f"{error.where}: " if error.where else ""
        return Finding(name, is_ok=False, what=f"{place}{error.what}", mend=error.mend)
    except OSError as error:
        what = f"{error.filename}: {error.strerror}"
        return Finding(name, is_ok=False, what=what, mend="look at its owner and mode (ls -ld)")


def _home(settings: Settings) -> str:
    require_reachable(settings.home, server_account())
    return str(settings.home)


def _programs(settings: Settings) -> str:
    major = stored_major(Layout(settings.home).postgres)
    account = server_account()
    found = find_binaries(settings.postgres_bin, account=account, major=major)
    mosquitto = find_mosquitto(settings.mosquitto_bin, account=account)
    return f"PostgreSQL {found.major} in {found.directory}, {mosquitto}"


def _dashboard(settings: Settings) -> str:
    if not settings.dashboard:
        return "not wanted (EV_DASHBOARD=false)"
    node, program = find_programs(settings, server_account())
    return f"{node}, {program}"


def _database_directory(settings: Settings) -> str:
    layout = Layout(settings.home)
    require_owner(layout.postgres, server_account())
    major = stored_major(layout.postgres)
    is_ours = read_state(layout).supervisor is not None
    if major is not None and not is_ours:
        require_unserved(layout.postgres)
    if layout.postgres_unfinished.exists() and not is_ours:
        return "an interrupted initialisation was left behind; the next start does it again"
    return f"complete, of version {major}" if major else "none yet; the first start makes it"


def _credentials(settings: Settings) -> str:
    directory = Layout(settings.home).credentials
    if not directory.is_dir():
        return "none yet; the first start makes them"
    paths = [directory, *directory.iterdir()]
    for path in paths:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise PipelineError("others may read it", mend=f"chmod go-rwx {path}", where=str(path))
    return f"{len(paths) - 1} files, private"


def _certificates(settings: Settings) -> str:
    found = expiries(Layout(settings.home))
    now = datetime.now(tz=UTC)
    for each in found:
        if each.is_near(now):
            raise PipelineError(
                f"the certificate of {each.name} ends on {each.expires_at:%Y-%m-%d %H:%M} UTC",
                mend=each.mend,
            )
    if not found:
        return "none yet; the first start makes them"
    return ", ".join(f"{each.name} until {each.expires_at:%Y-%m-%d}" for each in found)


def _ports(settings: Settings) -> str:
    ports = stack_ports(settings)
    if read_state(Layout(settings.home)).supervisor is None:
        require_free(ports)
        return f"free: {', '.join(map(str, ports.values()))}"
    return f"in use by this stack: {', '.join(map(str, ports.values()))}"


def _disk(settings: Settings) -> str:
    place = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free < LEAST_FREE_BYTES:
        raise PipelineError(
            f"only {free / 1e6:,.0f} MB are free",
            mend="free at least 1 GB, or set EV_HOME to another disk",
            where=str(place),
        )
    return f"{free / 1e9:,.1f} GB are free"


def _clock(settings: Settings) -> str:
    now = datetime.now(tz=UTC)
    newest = max((_changed_at(path) for path in _dated_files(settings.home)), default=now)
    mend = "set the clock (timedatectl set-ntp true)"
    if now < EARLIEST:
        raise PipelineError(f"it says {now:%Y-%m-%d}", mend=mend)
    if (newest - now).total_seconds() > CLOCK_TOLERANCE_S:
        raise PipelineError(
            f"it says {now:%Y-%m-%d %H:%M} UTC, and files here were written at "
            f"{newest:%Y-%m-%d %H:%M}",
            mend=mend,
        )
    return f"{now:%Y-%m-%d %H:%M} UTC"


def _services(settings: Settings) -> str:
    layout = Layout(settings.home)
    state = read_state(layout)
    if state.supervisor is None and ended_by_itself(layout):
        raise PipelineError(
            "the stack ended without being stopped (killed, or the machine went down)",
            mend=f"`ev-pipeline up` goes on from what was committed; see {layout.logs}",
        )
    if state.supervisor is None:
        return "not running; `ev-pipeline up` starts them"
    for name, service in state.services.items():
        if service.state != "running":
            log = layout.logs / f"{name}.log"
            raise PipelineError(
                f"{name} is {service.state}: {service.detail}", mend=f"the reason is in {log}"
            )
    if not state.is_healthy(time.time()):
        raise PipelineError(
            f"the supervisor (process {state.supervisor}) has not looked at them lately",
            mend=f"kill -9 {state.supervisor}, then `ev-pipeline up`",
        )
    return f"{len(state.services)} running"


def _dated_files(home: Path) -> list[Path]:
    layout = Layout(home)
    return [path for path in (layout.run, layout.logs, layout.credentials) if path.exists()]


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)


CHECKS: Final = MappingProxyType(
    {
        "clock": _clock,
        "home": _home,
        "disk": _disk,
        "credentials": _credentials,
        "certificates": _certificates,
        "programs": _programs,
        "dashboard": _dashboard,
        "database": _database_directory,
        "ports": _ports,
        "services": _services,
    }
)
"""Every check, in the order in which one would mend."""
