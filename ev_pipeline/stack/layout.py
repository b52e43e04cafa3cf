"""Where a local stack keeps what under `EV_HOME`: paths and their modes.

What lives here: names of files and directories. What does not: their contents.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ev_pipeline.domain.errors import PipelineError

PRIVATE_DIRECTORY: Final = 0o700
"""Mode of a directory that only its owner may enter."""

PRIVATE_FILE: Final = 0o600
"""Mode of a file that only its owner may read."""

PUBLIC_FILE: Final = 0o644
"""Mode of a file that every user may read: the authority's certificate."""

SHARED_DIRECTORY: Final = 0o755
"""Mode of a directory that unprivileged servers have to pass through."""


@dataclass(frozen=True)
class Layout:
    """The places of one local stack.

    Args:
        home: `EV_HOME`, absolute.
    """

    home: Path

    @property
    def credentials(self) -> Path:
        """Generated accounts and passwords."""
        return self.home / "credentials"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data directory, complete as soon as it has this name."""
        return self.home / "postgres"

    @property
    def postgres_unfinished(self) -> Path:
        """A data directory while it is being made; what an interrupted start left behind."""
        return self.home / "postgres.unfinished"

    @property
    def restore_unfinished(self) -> Path:
        """A home in the making: what a backup is restored into, and moved from when it is whole."""
        return self.home / "restore.unfinished"

    @property
    def restore_mark(self) -> Path:
        """There while a restored home takes the place of this one: neither is whole then."""
        return self.home / "restore.half"

    @property
    def mosquitto(self) -> Path:
        """Everything that the broker reads and writes; it belongs to the user that runs it."""
        return self.home / "mosquitto"

    @property
    def broker_store(self) -> Path:
        """What the broker keeps for those who are not there, written anew every other second."""
        return self.mosquitto / "mosquitto.db"

    @property
    def nodered(self) -> Path:
        """The dashboard's files; they belong to the user that runs it."""
        return self.home / "nodered"

    @property
    def broker_certificate(self) -> Path:
        """What the broker shows."""
        return self.mosquitto / "server.crt"

    @property
    def broker_key(self) -> Path:
        """The key to it."""
        return self.mosquitto / "server.key"

    @property
    def certificates(self) -> Path:
        """The stack's own certificate authority."""
        return self.home / "certificates"

    @property
    def authority(self) -> Path:
        """The authority's certificate: all that a client needs besides its account."""
        return self.certificates / "ca.crt"

    @property
    def authority_key(self) -> Path:
        """The key that signs; nobody but the stack's owner reads it."""
        return self.certificates / "ca.key"

    @property
    def handed_out(self) -> Path:
        """What each service in a container may see of this home; not there without containers."""
        return self.home / "for"

    @property
    def outbox(self) -> Path:
        """What simulators have reported and nobody has accepted yet."""
        return self.home / "outbox"

    @property
    def dagster(self) -> Path:
        """`DAGSTER_HOME`."""
        return self.home / "dagster"

    @property
    def logs(self) -> Path:
        """One log a service."""
        return self.home / "logs"

    @property
    def run(self) -> Path:
        """Lock and state of the running supervisor."""
        return self.home / "run"

    def make(self) -> None:
        """All directories but PostgreSQL's and the broker's exist, with their modes.

        Raises:
            PipelineError: if they cannot be made, or belong to somebody else.
        """
        try:
            if not self.home.exists():
                self.home.mkdir(parents=True)
                self.home.chmod(SHARED_DIRECTORY)
            for private in (self.credentials, self.dagster, self.logs, self.run):
                private.mkdir(exist_ok=True)
                private.chmod(PRIVATE_DIRECTORY)
            self.certificates.mkdir(exist_ok=True)
            self.certificates.chmod(SHARED_DIRECTORY)
        except OSError as error:
            raise PipelineError(
                f"cannot be made or used: {error.strerror}",
                mend="set EV_HOME to a directory of yours on a disk with room, "
                "or run as the user who made it",
                where=str(error.filename or self.home),
            ) from error
