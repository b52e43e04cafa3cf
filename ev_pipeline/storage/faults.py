"""Which faults of the database pass by themselves, for whoever would try again.

What lives here: telling them apart. What does not: trying again.
"""

from typing import Final

import adbc_driver_manager
import psycopg2
from sqlalchemy.exc import DBAPIError

from ev_pipeline.domain.errors import PipelineError

DATABASE_ERRORS: Final = (DBAPIError, psycopg2.Error, adbc_driver_manager.Error)
"""Whatever the database or the way to it can raise: COPY and Arrow go past SQLAlchemy."""

_PASSING_SQLSTATES: Final = ("08", "40", "53", "55P03", "57P")
"""Connection lost, deadlock or serialization, out of resources, lock not had, server going down.

References:
    PostgreSQL manual, appendix A: error codes, of which these are beginnings.
"""


def is_infrastructure_fault(error: BaseException) -> bool:
    """Whether the same step may succeed later without anybody's doing.

    A fault of ours or of the data is none, whatever class the driver reports it by.
    """
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    if isinstance(error, psycopg2.InterfaceError):
        return True
    if isinstance(error, psycopg2.OperationalError):
        # The driver itself gives no code when it could not reach the server, or lost it.
        return error.pgcode is None or error.pgcode.startswith(_PASSING_SQLSTATES)
    if isinstance(error, adbc_driver_manager.OperationalError):
        return error.sqlstate is None or error.sqlstate.startswith(_PASSING_SQLSTATES)
    if isinstance(error, PipelineError) and error.__cause__ is not None:
        return is_infrastructure_fault(error.__cause__)
    return False
