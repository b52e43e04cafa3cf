"""A data directory of PostgreSQL with all that is needed to serve it.

What lives here: the server's command, its signal, its probe. What does not: making the directory.
"""

import os
import signal
from dataclasses import dataclass
from typing import Final

import psycopg2

from ev_pipeline.stack.account import Account
from ev_pipeline.stack.binaries import Binaries
from ev_pipeline.stack.credentials import HOST, OWNER, Credentials
from ev_pipeline.stack.layout import Layout

STOP_SIGNAL: Final = signal.SIGINT
"""PostgreSQL's fast shutdown: sessions are ended, everything is written, a clean stop."""

CONNECT_TIMEOUT_S: Final = 2
"""How long one readiness probe may take, s."""


@dataclass(frozen=True)
class Cluster:
    """A complete data directory and what is needed to serve it.

    Args:
        layout: where it lies.
        binaries: the programs of its version.
        account: the user that serves it; null for ours.
        credentials: who may enter.
        port: where it will listen.
    """

    layout: Layout
    binaries: Binaries
    account: Account | None
    credentials: Credentials
    port: int

    @property
    def command(self) -> list[str]:
        """The server in the foreground, on the loopback address only."""
        return [
            str(self.binaries.postgres),
            "-D",
            str(self.layout.postgres),
            "-c",
            f"listen_addresses={HOST}",
            "-c",
            f"port={self.port}",
        ]

    @property
    def environment(self) -> dict[str, str]:
        """Messages in English, whatever the user's language: this code reads some of them."""
        return {"LC_ALL": "C", "PATH": os.defpath}

    def trouble(self) -> str | None:
        """Null where the application's role can log in, else why not."""
        try:
            connection = psycopg2.connect(
                host=HOST,
                port=self.port,
                user=OWNER.role,
                password=self.credentials.password(OWNER),
                dbname=OWNER.database,
                connect_timeout=CONNECT_TIMEOUT_S,
            )
        except psycopg2.OperationalError as error:
            return str(error).strip().splitlines()[0]
        connection.close()
        return None
