"""Generated passwords and the files that hand them out: made once, kept, never shown.

What lives here: `$EV_HOME/credentials`. What does not: the roles that the passwords open.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from sqlalchemy.engine import URL, make_url

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.private_files import write_private

DRIVER: Final = "postgresql+psycopg2"
"""Named in full: SQLAlchemy 2.1 reads a bare `postgresql://` as another driver."""

HOST: Final = "127.0.0.1"
"""Everything of a local stack listens here only."""

PASSWORD_BYTES: Final = 24
"""192 random bits: beyond guessing, and short enough for one line."""


@dataclass(frozen=True)
class Login:
    """One role of the local database, and the file that hands it out.

    Args:
        file: name of the credentials file.
        variable: the environment variable in it.
        role: the role's name.
        database: the database that it is for.
    """

    file: str
    variable: str
    role: str
    database: str


SUPERUSER: Final = Login("postgres-superuser.env", "EV_SUPERUSER_DATABASE_URL", "postgres", "ev")
OWNER: Final = Login("database.env", "EV_DATABASE_URL", "ev", "ev")
READER: Final = Login("database-reader.env", "EV_DATABASE_URL", "ev_reader", "ev")
DAGSTER: Final = Login("dagster-database.env", "EV_DAGSTER_DATABASE_URL", "dagster", "dagster")
LOGINS: Final = (SUPERUSER, OWNER, READER, DAGSTER)


@dataclass(frozen=True)
class Credentials:
    """The addresses of the local database, one a login.

    Args:
        urls: address with password by credentials file.
        is_new: whether any of the passwords was made just now.
    """

    urls: Mapping[str, URL]
    is_new: bool

    def url(self, login: Login) -> str:
        """The address with its password; for connecting, never for showing."""
        return self.urls[login.file].render_as_string(hide_password=False)

    def password(self, login: Login) -> str:
        """The password alone."""
        return str(self.urls[login.file].password)

    @classmethod
    def of_home(cls, layout: Layout, port: int, host: str = HOST) -> Self:
        """What the files say, with new passwords where one is missing, and the port of today.

        Nothing is written: a new password is written when its role has it (`hand_out`), so that
        whoever is interrupted in between leaves a file that is missing, and not one that is wrong.

        Args:
            layout: where the files are.
            port: where the server listens.
            host: where it is; if not on this machine's own address, then its certificate counts.

        Raises:
            PipelineError: if a file that is there cannot be understood.
        """
        urls: dict[str, URL] = {}
        is_new = False
        trust = (
            {} if host == HOST else {"sslmode": "verify-full", "sslrootcert": str(layout.authority)}
        )
        for login in LOGINS:
            stored = stored_url(layout, login)
            password = stored and stored.password
            is_new = is_new or password is None
            urls[login.file] = URL.create(
                DRIVER,
                username=login.role,
                password=password or secrets.token_urlsafe(PASSWORD_BYTES),
                host=host,
                port=port,
                database=login.database,
                query=trust,
            )
        return cls(urls, is_new)

    def hand_out(self, layout: Layout) -> None:
        """Every login has its file."""
        for login in LOGINS:
            write_private(layout.credentials / login.file, f"{login.variable}={self.url(login)}\n")


def stored_url(layout: Layout, login: Login) -> URL | None:
    """The address in the login's file; null where there is none.

    Raises:
        PipelineError: the file cannot be understood.
    """
    path = layout.credentials / login.file
    if not path.exists():
        return None
    name, separator, value = path.read_text().strip().partition("=")
    url = make_url(value) if separator and name == login.variable else None
    if url is None or not url.password:
        raise PipelineError(
            f"no line {login.variable}=postgresql+psycopg2://…",
            mend="delete the file: the next start makes a new password",
            where=str(path),
        )
    return url
