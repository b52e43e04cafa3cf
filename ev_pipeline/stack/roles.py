"""The database's roles, databases and rights: what every PostgreSQL of a stack is given.

What lives here: the statements, and giving them to a server that runs. What does not: a data
directory of one's own, which is given them before it is served (`initialise`), or the schema.
"""

from collections.abc import Iterable
from contextlib import closing
from typing import Final

import psycopg2
from sqlalchemy.engine import URL

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stack.credentials import DAGSTER, LOGINS, OWNER, READER, SUPERUSER, Credentials

_CONNECT_WITHIN_S: Final = 10
"""s; whoever is asked has just said that it is healthy."""

ROLES: Final = {login.role: f"CREATE ROLE {login.role} LOGIN" for login in (OWNER, READER, DAGSTER)}
"""By the role that it makes."""

DATABASES: Final = {
    login.database: f"CREATE DATABASE {login.database} OWNER {login.role}"
    for login in (OWNER, DAGSTER)
}
"""By the database that it makes."""

RIGHTS: Final = (
    f"REVOKE ALL ON DATABASE {OWNER.database}, {DAGSTER.database} FROM PUBLIC",
    f"GRANT CONNECT ON DATABASE {OWNER.database} TO {READER.role}",
    f"ALTER ROLE {READER.role} SET default_transaction_read_only = on",
)

READER_RIGHTS: Final = (
    f"ALTER SCHEMA public OWNER TO {OWNER.role}",
    f"GRANT USAGE ON SCHEMA public TO {READER.role}",
    f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER.role}",
    f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER.role} GRANT SELECT ON TABLES TO {READER.role}",
)
"""In the application's own database."""


def passwords(credentials: Credentials) -> list[str]:
    """Statements by which the roles have the passwords of the credentials."""
    return [f"ALTER ROLE {login.role} PASSWORD '{credentials.password(login)}'" for login in LOGINS]


def ensure_roles(credentials: Credentials) -> None:
    """The running server has all roles and databases; what is there already stays.

    Raises:
        PipelineError: it does not let the superuser in, or refuses.
    """
    superuser = credentials.urls[SUPERUSER.file].set(database="postgres")
    with closing(_connect(superuser)) as connection:
        roles = _names(connection, "SELECT rolname FROM pg_roles")
        databases = _names(connection, "SELECT datname FROM pg_database")
        _execute(connection, (sql for role, sql in ROLES.items() if role not in roles))
        _execute(connection, (sql for name, sql in DATABASES.items() if name not in databases))
        _execute(connection, (*RIGHTS, *passwords(credentials)))
    with closing(_connect(superuser.set(database=OWNER.database))) as connection:
        _execute(connection, READER_RIGHTS)


def _connect(url: URL) -> "psycopg2.extensions.connection":
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        connection = psycopg2.connect(address, connect_timeout=_CONNECT_WITHIN_S)
    except psycopg2.OperationalError as error:
        raise PipelineError(
            f"the database does not let its superuser in ({str(error).strip().splitlines()[0]})",
            mend=f"its password must be the one in {SUPERUSER.file}, with which it was made",
            where=f"{url.host}:{url.port}",
        ) from error
    connection.set_session(autocommit=True)  # no database is made in a transaction
    return connection


def _names(connection: "psycopg2.extensions.connection", query: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {str(name) for (name,) in cursor}


def _execute(connection: "psycopg2.extensions.connection", statements: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)
