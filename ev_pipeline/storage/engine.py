"""The way to the database: one engine from the settings, and the schema brought up to date.

What lives here: connecting and migrating. What does not: any statement about sessions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, OperationalError

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings

if TYPE_CHECKING:
    from alembic.config import Config

DRIVER: Final = "postgresql+psycopg2"
"""The one way in which addresses are written: a bare `postgresql` would mean another driver."""

CONNECT_TIMEOUT_S: Final = 10
"""s; a database that does not answer by then is reported as away."""

SILENT_FOR_S: Final = 20
"""s; a connection whose other side does not even confirm receipt for so long is given up, as when
its machine or the network is gone without a word. A statement may take as long as it takes."""

_KEEP_ALIVE: Final = MappingProxyType(
    {
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "2",
        "tcp_user_timeout": f"{SILENT_FOR_S * 1000}",
    }
)
"""libpq's words for it, s and ms: who only waits for an answer is probed, so that silence is heard.
They go with the address, which every driver reads."""

MIGRATION_LOCK: Final = 0x65765F6D69677261
"""Advisory lock of whoever migrates ("ev_migra"): two at once would make the same tables."""

_MIGRATIONS: Final = files("ev_pipeline.storage") / "migrations"

_VERSION: Final = sa.text("select version_num from alembic_version")

_SESSION_OPTIONS: Final = "-c timezone=UTC -c jit=off -c temp_buffers=128MB"
"""Times are shown in UTC; compiling our few-second statements costs more than it saves; staging
tables stay in memory as long as they are of that size (it is taken only when it is used)."""

_ON_ONE_CORE: Final = " -c max_parallel_workers_per_gather=0"
"""To start the processes of a parallel query takes some 10 ms of two cores."""


def connect(settings: Settings, *, is_parallel: bool = True) -> sa.Engine:
    """An engine whose database has answered.

    Args:
        settings: the address.
        is_parallel: as for `make_engine`.

    Raises:
        PipelineError: no address is set, it names another driver, or nobody answers there.
    """
    engine = make_engine(settings, is_parallel=is_parallel)
    try:
        with engine.connect():
            return engine
    except OperationalError as error:
        engine.dispose()
        reason = str(error.orig).strip().splitlines()[0]
        raise PipelineError(
            f"the database does not answer ({reason})",
            mend="start it with `ev-pipeline up`, or mend EV_DATABASE_URL",
            where=f"{engine.url.host}:{engine.url.port}/{engine.url.database}",
        ) from error


def make_engine(settings: Settings, *, is_parallel: bool = True) -> sa.Engine:
    """An engine whose database need not be there yet.

    Args:
        settings: the address.
        is_parallel: whether a query may take several cores: not where it is one of many that
            others wait beside.

    Raises:
        PipelineError: no address is set, or it names another driver.
    """
    return sa.create_engine(
        _address(settings),
        pool_pre_ping=True,
        connect_args={
            "application_name": "ev-pipeline",
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": _SESSION_OPTIONS if is_parallel else _SESSION_OPTIONS + _ON_ONE_CORE,
        },
    )


def _address(settings: Settings) -> sa.URL:
    if settings.database_url is None:
        raise PipelineError(
            "no database is named",
            mend="start the local one with `ev-pipeline up`, or set EV_DATABASE_URL",
        )
    mend = f"write EV_DATABASE_URL as {DRIVER}://user:password@host:port/database"
    try:
        url = sa.make_url(settings.database_url)
    except ArgumentError as error:
        raise PipelineError("the database's address cannot be read", mend=mend) from error
    if url.drivername != DRIVER:
        raise PipelineError(f"the database's address begins with {url.drivername}", mend=mend)
    return url.update_query_dict({**_KEEP_ALIVE, **url.query})


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to this version's; a schema that is there already stays as it is."""
    from alembic import command  # noqa: PLC0415 - 0.2 s, which only migrating pays

    with engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        config = migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def unmigrated(engine: sa.Engine) -> Iterator[None]:
    """Within, nobody migrates the schema."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.select(sa.func.pg_advisory_lock_shared(MIGRATION_LOCK)))
        yield  # the lock ends with the connection
        connection.execute(sa.select(sa.func.pg_advisory_unlock_shared(MIGRATION_LOCK)))


def analyse(engine: sa.Engine) -> None:
    """The planner knows the tables as they are; a restored database comes without that."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("vacuum (analyze)")


def knows_schema(revision: str) -> bool:
    """Whether this version can bring a schema of the revision up to date, or has it."""
    return revision in _revisions()


def require_schema(engine: sa.Engine) -> None:
    """Pass only if the database's schema is this version's.

    Raises:
        PipelineError: a migration is missing, or the schema comes from a newer version.
    """
    expected = _revisions()[-1]
    found = schema_version(engine)
    if found != expected:
        raise PipelineError(
            f"the database's schema is {found}, and this version needs {expected}",
            mend="run `ev-pipeline migrate`",
        )


def schema_version(engine: sa.Engine) -> str:
    """The schema's version in the database: `empty` before the first migration."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return "empty"
        version: str | None = connection.scalar(_VERSION)
    return version or "empty"


def _revisions() -> list[str]:
    """This version's schemas, from the first to the last: each migration's file begins with its."""
    names = (entry.name for entry in (_MIGRATIONS / "versions").iterdir())
    return sorted(
        name.partition("_")[0] for name in names if name[0].isdigit() and name.endswith(".py")
    )


def migration_config() -> "Config":
    """Where the migrations lie, also in an installed package."""
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
