"""Checks of the programs that a stack runs: each there, new enough, and within its user's reach.

What lives here: looking for them as a start would. What does not: the other checks (`doctor`), and
which program is chosen (`binaries`, `mosquitto`, `node`).
"""

import sys
from pathlib import Path

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.stack.account import Account, server_account
from ev_pipeline.stack.binaries import find_binaries
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.mosquitto import find_mosquitto, version
from ev_pipeline.stack.nodered import find_programs
from ev_pipeline.stack.postgres import stored_major


def reach(_settings: Settings) -> str:
    """Who serves database, broker and dashboard can reach what `make setup` installed."""
    account = server_account()
    if account is None:
        return "everything runs as this user"
    barrier = _barrier(Path(sys.prefix), account)
    if barrier:
        raise PipelineError(
            f"as root, database, broker and dashboard run as user {account.name}, who may not "
            f"enter {barrier}: what `make setup` placed below it is out of their reach",
            mend=f"chmod o+x {barrier}, or move the checkout to where everybody may enter, "
            "or start as a user who is not root",
            where=sys.prefix,
        )
    return f"within reach of user {account.name}"


def postgresql(settings: Settings) -> str:
    """PostgreSQL is there, of the version that the stored data needs."""
    major = stored_major(Layout(settings.home).postgres)
    found = find_binaries(settings.postgres_bin, account=server_account(), major=major)
    return f"{found.major} in {found.directory}"


def broker(settings: Settings) -> str:
    """Mosquitto is there, of the version that its configuration is for."""
    program = find_mosquitto(settings.mosquitto_bin, account=server_account())
    major, rest = version(program) or (0, "")
    return f"Mosquitto {major}.{rest}, {program}"


def dashboard(settings: Settings) -> str:
    """Node.js and Node-RED are there, unless nobody wants the dashboard."""
    if not settings.dashboard:
        return "not wanted (EV_DASHBOARD=false)"
    node, program = find_programs(settings, server_account())
    return f"{node}, {program}"


def _barrier(place: Path, account: Account) -> Path | None:
    """The first directory on the way that the user may not enter."""
    way = (*reversed(place.parents), place)
    return next((each for each in way if each.exists() and not account.can_enter(each)), None)
