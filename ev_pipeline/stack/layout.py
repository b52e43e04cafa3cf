"""Where a local stack keeps what under `EV_HOME`: paths and their modes.

What lives here: names of files and directories. What does not: their contents.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

PRIVATE_DIRECTORY: Final = 0o700
"""Mode of a directory that only its owner may enter."""

PRIVATE_FILE: Final = 0o600
"""Mode of a file that only its owner may read."""

SHARED_DIRECTORY: Final = 0o755
"""Mode of a directory that the unprivileged database server has to pass through."""


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
        """All directories but PostgreSQL's exist, with their modes."""
        self.home.mkdir(mode=SHARED_DIRECTORY, parents=True, exist_ok=True)
        for private in (self.credentials, self.dagster, self.logs, self.run):
            private.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
