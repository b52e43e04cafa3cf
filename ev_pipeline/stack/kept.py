"""What a backup is made of: two databases, and files of the home.

What lives here: which they are, where they are, and how they are reached. What does not: writing
a backup (`backup`), or bringing it back (`restore`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.accounts import ACCOUNTS_FILE
from ev_pipeline.settings import Settings, stack_file
from ev_pipeline.stack.credentials import (
    DAGSTER,
    DRIVER,
    HOST,
    OWNER,
    Credentials,
    Login,
    stored_url,
)
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.postgres import prepare, stored_major
from ev_pipeline.stack.serving import served
from ev_pipeline.stack.state import only_one_at_work, supervisor_pid

DUMPS: Final = MappingProxyType({DAGSTER: "dagster.dump", OWNER: "database.dump"})
"""The databases, in the order in which they are dumped: what Dagster says that it did is then in
the other one. A run that was in progress is, after a restore, run again."""

HOME: Final = "home"
"""Directory of a backup that holds files of the home, each by its place there."""


def kept_files(layout: Layout) -> list[str]:
    """The home's files that cannot be made anew, by their place in it; all but the broker's store.

    What is written anew by each start is left out: configuration, the broker's two files of
    accounts and its certificate, logs, the dashboard's files.
    """
    folders = (layout.credentials, layout.certificates)
    files = [layout.home / ACCOUNTS_FILE, stack_file(layout.home)]
    files += sorted(path for folder in folders for path in folder.glob("*"))
    return [
        path.relative_to(layout.home).as_posix()
        for path in files
        if path.is_file() and not path.name.startswith(".")  # half-written ones
    ]


@dataclass(frozen=True)
class Databases:
    """Where the databases are that are not the home's own.

    Args:
        elsewhere: the address by login; a login without one is served by the home.
    """

    elsewhere: Mapping[Login, URL]

    @property
    def has_own(self) -> bool:
        """Whether the home serves any of them."""
        return len(self.elsewhere) < len(DUMPS)

    def urls(self, own: Mapping[str, URL]) -> dict[Login, URL]:
        """Every database's address.

        Args:
            own: those that the home serves, by credentials file.
        """
        return {login: self.elsewhere.get(login) or own[login.file] for login in DUMPS}


def is_in_containers(settings: Settings) -> bool:
    """Whether the home is that of containers, of which another one serves the database."""
    return settings.postgres_host != HOST


def find_databases(settings: Settings) -> Databases:
    """Which databases the settings name elsewhere; all, where another container serves them.

    Raises:
        PipelineError: an address cannot be read.
    """
    layout = Layout(settings.home)
    named = {OWNER: settings.database_url, DAGSTER: settings.dagster_database_url}
    elsewhere: dict[Login, URL] = {}
    for login, address in named.items():
        if address is None:
            continue
        url, own = _read(address, login), stored_url(layout, login)
        if is_in_containers(settings) or own is None or _place(url) != _place(own):
            elsewhere[login] = url
    return Databases(elsewhere)


@contextmanager
def reachable(settings: Settings, databases: Databases) -> Iterator[dict[Login, URL]]:
    """Within, every database answers: the home's own is served where the stack is down.

    Raises:
        PipelineError: the home has none, or it does not come up.
    """
    layout = Layout(settings.home)
    if not databases.has_own:
        yield databases.urls({})
    elif supervisor_pid(layout):
        yield databases.urls(Credentials.of_home(layout, settings.postgres_port).urls)
    else:
        if stored_major(layout.postgres) is None:
            raise PipelineError(
                "there is no database here yet",
                mend="set EV_HOME to a stack's home, or EV_DATABASE_URL and "
                "EV_DAGSTER_DATABASE_URL to databases elsewhere",
                where=str(layout.home),
            )
        layout.make()
        with only_one_at_work(layout):
            cluster = prepare(settings)
            with served(cluster):
                yield databases.urls(cluster.credentials.urls)


def _read(address: str, login: Login) -> URL:
    try:
        url = make_url(address)
    except ArgumentError:
        url = None
    if url is None or url.drivername != DRIVER:
        raise PipelineError(
            f"the address in {login.variable} cannot be used",
            mend=f"write it as {DRIVER}://user:password@host:port/database",
        )
    return url


def _place(url: URL) -> tuple[str | None, int | None, str | None]:
    return url.host, url.port, url.database
