"""A PostgreSQL server that tests kill with -9 and start again.

What lives here: its life and death. What does not: what is asked of it.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from ev_pipeline.settings import Settings
from ev_pipeline.stack.credentials import OWNER
from ev_pipeline.stack.postgres import prepare
from ev_pipeline.storage.engine import connect, migrate
from ev_pipeline_tests.conftest import PostgresServer, free_port, served
from ev_pipeline_tests.stack.processes import wait_until


class MortalServer(PostgresServer):
    """A server of its own, that nobody else's tests stand on; it holds the migrated schema."""

    _serving: contextlib.ExitStack
    _process: subprocess.Popen[bytes]

    def start(self) -> None:
        """It answers from now on, after whatever death."""
        object.__setattr__(self, "_serving", contextlib.ExitStack())
        object.__setattr__(self, "_process", self._serving.enter_context(served(self.cluster)))

    def stop(self) -> None:
        """It ends as it should, or has ended already."""
        self._serving.close()

    def kill(self) -> None:
        """It and all its processes are gone at once, as when the power fails."""
        backends = _children(self._process.pid)
        for pid in (self._process.pid, *backends):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(map(_is_alive, backends)), within_s=30)
        self._serving.close()


@contextlib.contextmanager
def mortal_server(home: Path) -> Iterator[MortalServer]:
    """Within, the server lives, as often as it is started again."""
    server = MortalServer(prepare(Settings(home=home, postgres_port=free_port())))
    server.start()
    try:
        engine = connect(Settings(database_url=server.url(OWNER.role, OWNER.database)))
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
