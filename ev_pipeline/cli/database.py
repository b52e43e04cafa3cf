"""A command's way to the database: open, checked, and with errors that a person can read.

What lives here: the connection around a command. What does not: any statement.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ev_pipeline.domain.errors import PipelineError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ev_pipeline.settings import Settings


@contextmanager
def database(settings: "Settings", *, is_parallel: bool = True) -> Iterator["sa.Engine"]:
    """The settings' database while the context lasts, its schema up to date.

    Args:
        settings: its address.
        is_parallel: whether a query may take several cores.

    Raises:
        PipelineError: it is away, of another version, fails on the way (a full disk, a lost
            connection), or its role has no right to what is asked.
    """
    import adbc_driver_manager  # noqa: PLC0415 -- --help stays fast
    import psycopg2  # noqa: PLC0415 -- the same
    from psycopg2.errors import (  # noqa: PLC0415 -- the same
        InsufficientPrivilege,
        ReadOnlySqlTransaction,
    )
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 -- the same

    from ev_pipeline.storage.engine import connect, require_schema  # noqa: PLC0415 -- the same
    from ev_pipeline.storage.faults import DATABASE_ERRORS  # noqa: PLC0415 -- the same

    failures = (
        *(psycopg2.OperationalError, psycopg2.InterfaceError),
        *(adbc_driver_manager.OperationalError, adbc_driver_manager.InternalError),
    )

    engine = connect(settings, is_parallel=is_parallel)
    try:
        require_schema(engine)
        yield engine
    except DATABASE_ERRORS as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = str(cause).strip().splitlines()[0]
        if isinstance(cause, InsufficientPrivilege | ReadOnlySqlTransaction):
            raise PipelineError(
                f"the role of EV_DATABASE_URL may not do this: {reason}",
                mend="unset EV_DATABASE_URL, or give it the application's role (database.env)",
            ) from error
        if not isinstance(cause, failures):
            raise
        raise PipelineError(
            f"the database failed: {reason}",
            mend="what was not committed is taken back; see `ev-pipeline doctor`, then try again",
        ) from error
    finally:
        engine.dispose()
