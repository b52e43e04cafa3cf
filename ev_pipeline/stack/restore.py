"""A backup brought back: into an empty home, or in the place of what a home holds.

Everything is made in a directory of the home, and takes its place when it is whole; `up` refuses a
home in which that was interrupted. What lives here: those steps. What does not: what belongs to a
backup (`kept`), or starting anything afterwards.
"""

import errno
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.engine import URL

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.accounts import AccountBook
from ev_pipeline.settings import Settings
from ev_pipeline.stack.account import require_reachable, server_account
from ev_pipeline.stack.broker import broker_reach, make_broker_directory
from ev_pipeline.stack.broker_accounts import edited, ensure_shipped
from ev_pipeline.stack.credentials import HOST, OWNER, Credentials, Login
from ev_pipeline.stack.dumps import ask_server, restore, shown
from ev_pipeline.stack.exchange import put_back, take_place
from ev_pipeline.stack.kept import DUMPS, HOME, Databases, find_databases, is_in_containers
from ev_pipeline.stack.layout import PRIVATE_FILE, PUBLIC_FILE, Layout
from ev_pipeline.stack.manifest import Manifest, read_manifest, require_whole
from ev_pipeline.stack.postgres import prepare, stored_major
from ev_pipeline.stack.postmaster import require_unserved
from ev_pipeline.stack.private_files import copy_file
from ev_pipeline.stack.restore_in_containers import (
    keep_logins,
    place_broker_store,
    prepare_containers,
)
from ev_pipeline.stack.serving import served
from ev_pipeline.stack.state import only_one_at_work
from ev_pipeline.storage.engine import analyse, connect, knows_schema, migrate
from ev_pipeline.storage.renumbering import renumber_transactions


def open_backup(directory: Path) -> Manifest:
    """What the backup says of itself; it is whole, and this version can bring it back.

    Raises:
        PipelineError: it is not, or it comes from a newer version.
    """
    manifest = read_manifest(directory)
    if not knows_schema(manifest.schema_revision):
        raise PipelineError(
            f"the backup's schema is {manifest.schema_revision}, which this version does not know",
            mend=f"restore it with ev-pipeline {manifest.version} or newer",
            where=str(directory),
        )
    require_whole(manifest, directory)
    return manifest


def holds_a_stack(home: Path) -> bool:
    """Whether there is anything in the home that a restore would replace."""
    layout = Layout(home)
    places = (layout.postgres, layout.credentials, layout.certificates, layout.mosquitto)
    return any(place.is_dir() and any(place.iterdir()) for place in places)


def restore_home(
    settings: Settings,
    directory: Path,
    manifest: Manifest,
    *,
    is_replacing: bool,
    report: Callable[[str], None],
) -> None:
    """The home and its databases are what the backup says, with this version's schema.

    Args:
        settings: the home, and where databases are that are not its own.
        directory: the backup.
        manifest: what it says of itself.
        is_replacing: whether what the home holds may go.
        report: gets one line for people about each step.

    Raises:
        PipelineError: the stack or, in containers, its broker is up, the home holds something, a
            database elsewhere is not empty, or the disk is full; the home is then as it was.
    """
    layout, databases = Layout(settings.home), find_databases(settings)
    if holds_a_stack(layout.home) and not is_replacing:
        raise PipelineError(
            "it holds a stack already",
            mend="name an empty EV_HOME, or put the backup in its place with --replace",
            where=str(layout.home),
        )
    if is_in_containers(settings):
        prepare_containers(settings)
    _require_empty(databases, manifest)
    require_reachable(layout.home, server_account())
    layout.make()
    with only_one_at_work(layout), _staged(layout) as staging:
        _copy_files(manifest, directory, staging)
        if is_in_containers(settings):
            keep_logins(layout, staging)
        report("accounts, credentials and certificates are there")
        with _served(settings, databases, staging, manifest) as urls:
            for login, name in DUMPS.items():
                dump = directory / name
                restore(
                    urls[login], dump, major=manifest.postgres_major, forced=settings.postgres_bin
                )
                report(f"{name} is restored into {urls[login].database}")
            _bring_up_to_date(settings, urls[OWNER])
        report("the schema is up to date")
        take_place(staging, layout)
        if is_in_containers(settings):
            place_broker_store(staging, layout)


def hand_out(settings: Settings) -> None:
    """The credentials of a restored home say where its services are today, as `up` writes them."""
    layout, account = Layout(settings.home), server_account()
    if stored_major(layout.postgres) is not None:
        Credentials.of_home(layout, settings.postgres_port).hand_out(layout)
    make_broker_directory(layout.mosquitto, account)
    with edited(layout, owner=account) as registry:
        ensure_shipped(registry, broker_reach(settings))


def missing_mappings(home: Path) -> dict[str, str]:
    """Accounts that are bound to a mapping's file which is not on this machine, and to which."""
    bound = AccountBook(home).accounts().values()
    files = {each.name: each.source for each in bound if each.source and "/" in each.source}
    return {name: file for name, file in files.items() if not Path(file).is_file()}


def missing_key(settings: Settings) -> Path | None:
    """Where the settings look for the key of users' ids, if it is not there."""
    named = settings.user_id_key_file
    return named if named and not named.is_file() else None


def require_restored(layout: Layout) -> None:
    """No restore into the home was interrupted while it took its place.

    Raises:
        PipelineError: one was.
    """
    if layout.restore_mark.exists():
        raise PipelineError(
            "a restore was interrupted here, so the home may be half of one and half of another",
            mend="do it again: ev-pipeline restore DIR --replace",
            where=str(layout.home),
        )


def forget_unfinished(layout: Layout) -> None:
    """What a restore had made that was interrupted before it took its place is gone."""
    shutil.rmtree(layout.restore_unfinished, ignore_errors=True)


def _require_empty(databases: Databases, manifest: Manifest) -> None:
    """Databases elsewhere are nobody's to replace."""
    for login, url in databases.elsewhere.items():
        server = ask_server(url)
        if server.n_tables:
            raise PipelineError(
                f"the database holds {server.n_tables} tables already",
                mend=f"make a new one and name it in {login.variable}, or unset that to restore "
                "into a database of the home's own",
                where=shown(url),
            )
        if server.major < manifest.postgres_major:
            raise PipelineError(
                f"it is PostgreSQL {server.major}, and the backup needs "
                f"{manifest.postgres_major} or newer",
                mend=f"name a database of such a server in {login.variable}",
                where=shown(url),
            )


@contextmanager
def _staged(layout: Layout) -> Iterator[Layout]:
    """Within, an empty layout inside the home; it is gone at the end, whatever happened.

    What an earlier one took from the home, which was killed meanwhile, is back in its place first.
    """
    staging = Layout(layout.restore_unfinished)
    require_unserved(staging.postgres)
    try:
        put_back(staging, layout)
        shutil.rmtree(staging.home, ignore_errors=True)
        staging.make()
        yield staging
    except OSError as error:
        full = error.errno == errno.ENOSPC
        raise PipelineError(
            "the disk is full" if full else f"it cannot be written ({error.strerror})",
            mend="free some room, then do it again" if full else "name another EV_HOME",
            where=str(error.filename or staging.home),
        ) from error
    finally:
        if not layout.restore_mark.exists():  # else it has the only copy of something
            shutil.rmtree(staging.home, ignore_errors=True)


def _copy_files(manifest: Manifest, directory: Path, staging: Layout) -> None:
    account = server_account()
    make_broker_directory(staging.mosquitto, account)
    for name in manifest.files:
        if not name.startswith(f"{HOME}/"):
            continue
        target = staging.home / name.removeprefix(f"{HOME}/")
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = PUBLIC_FILE if target == staging.authority else PRIVATE_FILE
        copy_file(directory / name, target, mode=mode)
        if account and target == staging.broker_store:
            os.chown(target, account.uid, account.gid)


@contextmanager
def _served(
    settings: Settings, databases: Databases, staging: Layout, manifest: Manifest
) -> Iterator[dict[Login, URL]]:
    """Within, every database answers, on a port that nobody knows."""
    if not databases.has_own:
        yield databases.urls({})
        return
    here = settings.model_copy(update={"home": staging.home, "postgres_port": _free_port()})
    cluster = prepare(here, oldest=manifest.postgres_major)
    with served(cluster):
        yield databases.urls(cluster.credentials.urls)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _bring_up_to_date(settings: Settings, url: URL) -> None:
    address = url.render_as_string(hide_password=False)
    engine = connect(settings.model_copy(update={"database_url": address}))
    try:
        renumber_transactions(engine)
        migrate(engine)
        analyse(engine)
    finally:
        engine.dispose()
