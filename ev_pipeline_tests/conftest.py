"""Real services for the tests: one PostgreSQL server and one broker a worker process."""

import gc
import os
import secrets
import shutil
import signal
import socket
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg2
import pytest
import sqlalchemy as sa

from ev_pipeline.settings import ENV_PREFIX, Settings
from ev_pipeline.stack.cluster import Cluster
from ev_pipeline.stack.credentials import OWNER, READER, SUPERUSER
from ev_pipeline.stack.postgres import prepare
from ev_pipeline.stack.serving import served
from ev_pipeline.storage.engine import connect, migrate
from ev_pipeline_tests.real_data import TEST_DATA
from ev_pipeline_tests.running_broker import RunningBroker, running_broker


@dataclass
class PostgresServer:
    """A running server, whose database `ev` holds the empty, migrated schema."""

    cluster: Cluster

    def execute(self, sql: str) -> None:
        """Run one statement as superuser, outside a transaction."""
        with closing(psycopg2.connect(self.address(SUPERUSER.role, "postgres"))) as connection:
            connection.autocommit = True
            connection.cursor().execute(sql)

    def copy_database(self, name: str, template: str = OWNER.database) -> None:
        """Make a database of this name that is as the template, to which nobody is connected."""
        # File by file: that takes half as long as by way of the log.
        self.execute(
            f"CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER.role} STRATEGY file_copy"
        )

    def address(self, role: str, database: str) -> str:
        """A libpq address of one role and database."""
        login = {login.role: login for login in (SUPERUSER, OWNER, READER)}[role]
        url = self.cluster.credentials.urls[login.file]
        url = url.set(drivername="postgresql", database=database)
        return url.render_as_string(hide_password=False)

    def url(self, role: str, database: str) -> str:
        """The same for SQLAlchemy."""
        return self.address(role, database).replace("postgresql://", "postgresql+psycopg2://", 1)


PORTS: Final = range(20_000, 32_768)
"""Above our defaults, and below what Linux gives to outgoing connections: a port that is free now
is still so when a server starts on it."""

_handed_out: set[int] = set()

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - below it `make_home` makes a directory of its own
"""Where Linux keeps files in memory."""

_ROOM_BYTES: Final = 8 << 30
"""More than the databases of all workers take."""


def free_port() -> int:
    """A port on which nobody listens at the moment, and that this process was not told before."""
    while True:
        port = secrets.choice(PORTS)  # not `random`, which a property test repeats
        if port in _handed_out:
            continue
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _handed_out.add(port)
            return port


FIRST: Final = ("stack", "automation", "integration", "stream", "e2e", "intake", "simulator")
"""Folders whose tests start programs and wait for them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, so that nobody waits for one long test at the end."""
    here = Path(__file__).parent

    def turn(item: pytest.Item) -> int:
        folder = item.path.relative_to(here).parts[0]
        return FIRST.index(folder) if folder in FIRST else len(FIRST)

    items.sort(key=turn)
    gc.freeze()  # to look through thousands of collected tests, time and again, frees nothing


@pytest.fixture(scope="session", autouse=True)
def _own_environment() -> Iterator[None]:
    """A developer's own EV_ variables do not reach the tests, and Ctrl-C reaches what they start.

    What a shell starts in the background ignores Ctrl-C, and so would everything started from it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
            if name != TEST_DATA:
                patch.delenv(name)
        yield


def make_home(place: Path | None = None) -> Path:
    """A short path that an unprivileged server can reach, unlike pytest's own directories."""
    home = Path(tempfile.mkdtemp(prefix="ev-", dir=place))
    home.chmod(0o755)
    return home


def quick_home() -> Path:
    """The same in memory where there is room; benchmarks are to lie on a disk."""
    return make_home(_quick_place())


def _quick_place() -> Path | None:
    """Where files are quickly made and deleted: in memory, if there is room; null for anywhere.

    Each test makes and drops a database of some hundred files, and ext4 searches long for a new
    file's place where many were just deleted: a third of the suite's CPU time.
    """
    if not _MEMORY.is_dir():
        return None
    free_bytes = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    has_room = min(free_bytes, shutil.disk_usage(_MEMORY).free) > _ROOM_BYTES
    return _MEMORY if has_room else None


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty `EV_HOME`."""
    home = quick_home()
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One real server for all tests of a worker."""
    home = quick_home()
    cluster = prepare(Settings(home=home, postgres_port=free_port()))
    with (cluster.layout.postgres / "postgresql.auto.conf").open("a") as file:
        file.write("max_wal_size = 256MB\n")
    with served(cluster):
        yield PostgresServer(cluster)
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def migrated(postgres: PostgresServer) -> PostgresServer:
    """The server, with the schema in the database that the tests' databases are copied from."""
    engine = connect(Settings(database_url=postgres.url(OWNER.role, OWNER.database)))
    migrate(engine)
    engine.dispose()
    return postgres


@pytest.fixture(scope="session")
def _shared_broker() -> Iterator[RunningBroker]:
    with running_broker(quick_home(), free_port()) as broker:
        yield broker


@pytest.fixture
def broker(_shared_broker: RunningBroker) -> Iterator[RunningBroker]:
    """One real broker for all tests of a worker, with TLS; each takes accounts of its own."""
    yield _shared_broker
    _shared_broker.forget_sessions()


@pytest.fixture
def own_broker() -> Iterator[RunningBroker]:
    """A broker that the test may stop, and whose files it may change."""
    with running_broker(quick_home(), free_port()) as broker:
        yield broker


@pytest.fixture
def settings(migrated: PostgresServer, home: Path) -> Iterator[Settings]:
    """Settings with an empty home and a fresh, migrated database."""
    database = f"test_{uuid.uuid4().hex}"
    migrated.copy_database(database)
    yield Settings(
        home=home,
        database_url=migrated.url(OWNER.role, database),
        postgres_port=migrated.cluster.port,
        dagster_port=free_port(),
    )
    migrated.execute(f"DROP DATABASE {database} WITH (FORCE)")


@pytest.fixture
def engine(settings: Settings) -> Iterator[sa.Engine]:
    """Connections to the test's own database, as the application's role."""
    engine = connect(settings)
    yield engine
    engine.dispose()


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    """All variables that a subprocess needs to work on the test's home and database."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)},
        "EV_HOME": str(settings.home),
        "EV_DATABASE_URL": str(settings.database_url),
        "EV_POSTGRES_PORT": str(settings.postgres_port),
        "EV_DAGSTER_PORT": str(settings.dagster_port),
    }
