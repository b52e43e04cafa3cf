"""What can be wrong with a local stack: one small check each, with the mend.

What lives here: checks over files, ports and services, and the list of all. What does not: the
programs (`doctor_programs`), the clock (`clock`), a database that answers (`doctor_database`),
and the mending itself.
"""

import os
import pwd
import shutil
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.stack import clock, doctor_database, doctor_programs
from ev_pipeline.stack.account import require_reachable, server_account
from ev_pipeline.stack.certificates import Expiry, expiries
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.logs import log_path
from ev_pipeline.stack.ports import require_free, stack_ports
from ev_pipeline.stack.postgres import stored_major
from ev_pipeline.stack.postmaster import require_unserved
from ev_pipeline.stack.restore import require_restored
from ev_pipeline.stack.state import ended_by_itself, read_state

LEAST_FREE_BYTES: Final = 1_000_000_000
"""Less free space than this and PostgreSQL's log of changes (up to 2 GB) can fill the disk."""

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
    if settings.home.exists() and not os.access(settings.home, os.W_OK):
        raise PipelineError(
            f"belongs to {_user(settings.home.stat().st_uid)}, and {_user(os.geteuid())} may not "
            "write to it",
            mend="run as the user who made it, or set EV_HOME to a directory of yours",
            where=str(settings.home),
        )
    require_restored(Layout(settings.home))
    return str(settings.home)


def _owners(settings: Settings) -> str:
    layout = Layout(settings.home)
    ours = os.geteuid()
    account = server_account()
    servers = account.uid if account else ours
    owners = {
        **dict.fromkeys((layout.postgres, layout.mosquitto, layout.nodered), servers),
        **dict.fromkeys((layout.certificates, layout.dagster, layout.logs, layout.run), ours),
        layout.credentials: ours,
    }
    there_are = [path for path in owners if path.exists()]
    for path in there_are:
        owner = path.stat().st_uid
        if owner != owners[path]:
            needed = owners[path]
            raise PipelineError(
                f"belongs to {_user(owner)}, and a stack of {_user(ours)} needs it to belong to "
                f"{_user(needed)}",
                mend=f"run as the user who started the stack, or stop it and chown -R {needed} "
                f"{path}",
                where=str(path),
            )
    return f"{len(there_are)} directories, as a stack of {_user(ours)} has them"


def _user(uid: int) -> str:
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"


def _database_directory(settings: Settings) -> str:
    layout = Layout(settings.home)
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
                f"the certificate of {each.name} {_ends(each, now)} "
                f"{each.expires_at:%Y-%m-%d %H:%M} UTC",
                mend=each.mend,
            )
    if not found:
        return "none yet; the first start makes them"
    return ", ".join(f"{each.name} until {each.expires_at:%Y-%m-%d}" for each in found)


def _ends(expiry: Expiry, now: datetime) -> str:
    return "ended on" if expiry.expires_at <= now else "ends on"


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
    broken = {name: each for name, each in state.services.items() if each.state != "running"}
    if broken:
        told = [f"{name} is {each.state} ({each.detail})" for name, each in broken.items()]
        files = ", ".join(str(log_path(layout, name)) for name in broken)
        raise PipelineError(
            ", and ".join(told).replace(" ()", ""),
            mend=f"it is started again by itself; if that does not help, the reason is in {files}",
        )
    if not state.is_healthy(time.time()):
        raise PipelineError(
            f"the supervisor (process {state.supervisor}) has not looked at them lately",
            mend=f"kill -9 {state.supervisor}, then `ev-pipeline up`",
        )
    return f"{len(state.services)} running"


CHECKS: Final = MappingProxyType(
    {
        "clock": clock.clock,
        "home": _home,
        "owners": _owners,
        "disk": _disk,
        "credentials": _credentials,
        "certificates": _certificates,
        "reach": doctor_programs.reach,
        "postgresql": doctor_programs.postgresql,
        "mosquitto": doctor_programs.broker,
        "dashboard": doctor_programs.dashboard,
        "database": _database_directory,
        "ports": _ports,
        "services": _services,
        "schema": doctor_database.schema,
        "times": doctor_database.times,
    }
)
"""Every check, in the order in which one would mend."""
