"""The local PostgreSQL, ready to be served: made if there was none, looked at if there was.

What lives here: what may stand in the way, and what to do about it. What does not: the steps.
"""

import os
from pathlib import Path

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.stack.account import Account, require_reachable, server_account
from ev_pipeline.stack.binaries import OLDEST_MAJOR, find_binaries
from ev_pipeline.stack.cluster import Cluster
from ev_pipeline.stack.credentials import LOGINS, Credentials
from ev_pipeline.stack.initialise import initialise, set_passwords
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.postmaster import require_unserved
from ev_pipeline.stack.state import only_one_at_work


def prepare(settings: Settings, *, oldest: int = OLDEST_MAJOR) -> Cluster:
    """There is a complete data directory with all roles: made if there was none.

    An initialisation that was interrupted left nothing under the final name, and is done again.

    Args:
        settings: home, port and where to look for PostgreSQL.
        oldest: the oldest version that a directory may be made by.

    Raises:
        PipelineError: if the directory, the programs or the user do not fit.
    """
    layout = Layout(settings.home)
    account = server_account()
    require_reachable(layout.home, account)
    layout.make()
    require_reachable(layout.home, account)
    require_owner(layout.postgres, account)
    major = stored_major(layout.postgres)
    if major is not None:
        require_unserved(layout.postgres)
    binaries = find_binaries(settings.postgres_bin, account=account, major=major, oldest=oldest)
    credentials = Credentials.of_home(layout, settings.postgres_port)
    cluster = Cluster(layout, binaries, account, credentials, settings.postgres_port)
    if major is None:
        initialise(cluster)
    elif credentials.is_new:
        set_passwords(cluster)
    credentials.hand_out(layout)
    return cluster


def renew_passwords(settings: Settings) -> None:
    """Every role of the local database has a new password, and its file says so.

    The files go first: whoever is interrupted leaves none, and the next start makes new ones.

    Raises:
        PipelineError: there is no database here, or the stack, which knows the old ones, is up.
    """
    layout = Layout(settings.home)
    if stored_major(layout.postgres) is None:
        raise PipelineError(
            "there is no database here yet",
            mend="set EV_HOME to a stack's home; a database elsewhere has passwords of its own",
            where=str(layout.home),
        )
    with only_one_at_work(layout):
        prepare(settings)  # nothing is in the way
        for login in LOGINS:
            (layout.credentials / login.file).unlink()
        prepare(settings)


def stored_major(directory: Path) -> int | None:
    """The version of PostgreSQL that made the stored data.

    Returns:
        Its major version; null where nothing is stored.

    Raises:
        PipelineError: if something is there that is no complete database.
    """
    if not directory.exists() or not any(directory.iterdir()):
        return None
    version, control = directory / "PG_VERSION", directory / "global" / "pg_control"
    if not version.is_file() or not control.is_file():
        raise PipelineError(
            "this is not a complete PostgreSQL data directory, so nothing was touched",
            mend=f"restore it, or move it away to start empty: mv {directory} {directory}.broken",
            where=str(directory),
        )
    return int(version.read_text().strip())


def require_owner(directory: Path, account: Account | None) -> None:
    """The data belongs to the user who would serve it.

    Raises:
        PipelineError: if it does not.
    """
    if not directory.exists():
        return
    owner, needed = directory.stat().st_uid, account.uid if account else os.geteuid()
    if owner != needed:
        raise PipelineError(
            f"belongs to user {owner}, and PostgreSQL would run as user {needed}",
            mend=f"start as the user who made it, or hand it over (chown -R {needed} {directory})",
            where=str(directory),
        )
