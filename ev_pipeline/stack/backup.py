"""A backup: everything that a stack could not make anew, in one directory, while it goes on.

What lives here: the order in which it is taken, and that a half one is never taken for a whole
one. What does not: what belongs to it (`kept`), or bringing it back (`restore`).
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.stack.broker_accounts import unchanging
from ev_pipeline.stack.credentials import OWNER, Login
from ev_pipeline.stack.dumps import dump, shown
from ev_pipeline.stack.handing_out import USER_KEY
from ev_pipeline.stack.kept import DUMPS, HOME, find_databases, kept_files, reachable
from ev_pipeline.stack.layout import PRIVATE_DIRECTORY, PRIVATE_FILE, Layout
from ev_pipeline.stack.manifest import Manifest, describe_files
from ev_pipeline.stack.private_files import copy_file, write_out, write_private
from ev_pipeline.stack.user_key import read_user_key
from ev_pipeline.storage.engine import connect, schema_version, unmigrated

UNFINISHED: Final = ".unfinished"
"""Ending of a backup's name while it is being written, and of what a killed one left behind."""


def back_up(
    settings: Settings,
    directory: Path,
    *,
    version: str,
    now: datetime,
    report: Callable[[str], None],
) -> Manifest:
    """The directory holds a whole backup; it gets its name when it is whole.

    The broker's store comes first: what waited there then is either in it or, later, in the
    database. So everything that was accepted before `now` is in the backup, some of it perhaps
    twice, which sessions' identity makes harmless.

    Args:
        settings: the home, and where databases are.
        directory: what to make.
        version: of this ev-pipeline.
        now: the time, UTC.
        report: gets one line for people about each step.

    Raises:
        PipelineError: the directory is there already, a database fails, the key of users' ids is
            not where the settings say, or the disk is full.
    """
    layout, databases = Layout(settings.home), find_databases(settings)
    with _named_when_whole(directory, layout.home) as unfinished:
        home = unfinished / HOME
        home.mkdir(mode=PRIVATE_DIRECTORY)
        if layout.broker_store.is_file():
            _copy(layout, layout.broker_store.relative_to(layout.home).as_posix(), home)
        with reachable(settings, databases) as urls:
            schema, major = _dump_all(settings, urls, unfinished, report)
        if layout.run.is_dir():
            with unchanging(layout):
                for name in kept_files(layout):
                    _copy(layout, name, home)
        if settings.user_id_key_file:  # where a restored home looks for it
            (home / USER_KEY).parent.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
            write_private(home / USER_KEY, f"{read_user_key(settings).hex()}\n")
        report("accounts, credentials and certificates are copied")
        manifest = Manifest(version, schema, major, now, describe_files(unfinished))
        manifest.write(unfinished)
    return manifest


def _dump_all(
    settings: Settings, urls: dict[Login, URL], directory: Path, report: Callable[[str], None]
) -> tuple[str, int]:
    """The databases are dumped; their schema's version, and that of the newest program needed."""
    address = urls[OWNER].render_as_string(hide_password=False)
    engine = connect(settings.model_copy(update={"database_url": address}))
    try:
        with unmigrated(engine):
            schema = schema_version(engine)
            if schema == "empty":
                raise PipelineError(
                    "the database holds nothing of ev-pipeline, so there is nothing to back up",
                    mend="mend EV_DATABASE_URL, or run `ev-pipeline migrate`",
                    where=shown(urls[OWNER]),
                )
            majors = []
            for login, name in DUMPS.items():
                file = directory / name
                majors.append(dump(urls[login], file, forced=settings.postgres_bin))
                file.chmod(PRIVATE_FILE)
                report(f"{name}: {file.stat().st_size / 1e6:,.1f} MB of {shown(urls[login])}")
    finally:
        engine.dispose()
    return schema, max(majors)


@contextmanager
def _named_when_whole(directory: Path, source: Path) -> Iterator[Path]:
    """Within, a private directory to fill; afterwards, unless something failed, it has the name."""
    if directory.exists():
        raise PipelineError(
            "it is there already, and a backup replaces nothing",
            mend="name a directory that is not there yet",
            where=str(directory),
        )
    unfinished = directory.with_name(directory.name + UNFINISHED)
    try:
        unfinished.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        with _only_writer(unfinished):
            try:
                yield unfinished
                _write_out_all(unfinished)
                unfinished.rename(directory)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise
        write_out(directory.parent)
    except OSError as error:
        place = Path(error.filename or directory)
        if source in place.parents and unfinished not in (place, *place.parents):
            raise PipelineError(
                f"it cannot be read ({error.strerror})",
                mend="back up as the user who started the stack, or as root",
                where=str(place),
            ) from error
        full = error.errno == errno.ENOSPC
        raise PipelineError(
            "the disk is full" if full else f"it cannot be written ({error.strerror})",
            mend="free some room, then do it again" if full else "name another directory",
            where=str(error.filename or directory),
        ) from error


@contextmanager
def _only_writer(directory: Path) -> Iterator[None]:
    """Within, the directory is ours; what a killed backup left in it is gone."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor, directory)
        directory.chmod(PRIVATE_DIRECTORY)
        for left in directory.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, directory: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise PipelineError(
            "another backup is being written there",
            mend="wait for it, or name another directory",
            where=str(directory),
        ) from error


def _copy(layout: Layout, name: str, home: Path) -> None:
    target = home / name
    target.parent.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    copy_file(layout.home / name, target)


def _write_out_all(directory: Path) -> None:
    """The directory and everything in it outlive a loss of power."""
    for path in (*directory.rglob("*"), directory):
        write_out(path)
