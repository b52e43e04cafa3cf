"""A PostgreSQL server that tests kill with -9 and start again.

What lives here: its life and death. What does not: what is asked of it.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ev_pipeline.settings import Settings
from ev_pipeline.stack import process
from ev_pipeline.stack.cluster import STOP_SIGNAL
from ev_pipeline.stack.credentials import OWNER
from ev_pipeline.stack.postgres import prepare
from ev_pipeline.stack.serving import start_server
from ev_pipeline.storage.engine import connect, migrate
from ev_pipeline_tests.conftest import PostgresServer, free_port
from ev_pipeline_tests.stack.processes import wait_until

ANSWERS_WITHIN_S: Final = 60
"""By when a server that was killed has mended itself, s; it takes a few seconds."""


@dataclass
class MortalServer(PostgresServer):
    """A server of its own, that nobody else's tests stand on; it holds the migrated schema."""

    process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> Settings:
        """How the application reaches it."""
        return Settings(
            home=self.cluster.layout.home,
            database_url=self.url(OWNER.role, OWNER.database),
            postgres_port=self.cluster.port,
        )

    def start(self) -> None:
        """It answers from now on, after whatever death; one that ended by itself is started too."""

        def answers() -> bool:
            if self.process is None or self.process.poll() is not None:
                self.process = start_server(self.cluster)
            return self.cluster.trouble() is None

        wait_until(answers, within_s=ANSWERS_WITHIN_S)

    def stop(self) -> None:
        """It has ended, everything written, or had ended already."""
        if self.process:
            process.stop(self.process, stop_signal=STOP_SIGNAL, deadline_s=30)
            self.process = None

    def kill(self) -> None:
        """It and all its processes are gone at once, as when the power fails."""
        assert self.process
        backends = _children(self.process.pid)
        for pid in (self.process.pid, *backends):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        wait_until(lambda: not any(map(_is_alive, backends)), within_s=ANSWERS_WITHIN_S)


@contextlib.contextmanager
def mortal_server(home: Path) -> Iterator[MortalServer]:
    """Within, the server lives, as often as it is started again."""
    server = MortalServer(prepare(Settings(home=home, postgres_port=free_port())))
    try:
        server.start()
        engine = connect(server.settings)
        migrate(engine)
        engine.dispose()
        yield server
    finally:
        server.stop()


def _children(parent: int) -> list[int]:
    return [pid for pid, stat in _stats().items() if stat[1] == str(parent)]


def _is_alive(pid: int) -> bool:
    return _stats().get(pid, ["Z"])[0] != "Z"


def _stats() -> dict[int, list[str]]:
    """State and parent of every process."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found[int(place.name)] = (place / "stat").read_text().rpartition(")")[2].split()
    return found
