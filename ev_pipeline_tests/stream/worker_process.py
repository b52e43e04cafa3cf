"""The worker as a process of its own, as the supervisor starts it, for tests that end it.

What lives here: its environment, start and end. What does not: chargers (`streams`, `reporter`).
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ev_pipeline.settings import Settings
from ev_pipeline.stack.stream_worker import trouble
from ev_pipeline_tests.messaging.listening import WITHIN_S
from ev_pipeline_tests.stack.processes import wait_until

COMMAND = [sys.executable, "-m", "ev_pipeline.cli.main", "stream"]

NAMED = (
    *("home", "database_url", "metrics_port", "mqtt_client_id"),
    *("mqtt_host", "mqtt_port", "mqtt_username", "mqtt_password", "mqtt_ca_file"),
)
"""Settings that a worker is given."""


def variables_of(environment: dict[str, str], streaming: Settings) -> dict[str, str]:
    """The environment of a worker with these settings."""
    return environment | {f"EV_{name.upper()}": str(getattr(streaming, name)) for name in NAMED}


class WorkerProcess:
    """A worker that may be killed and started again.

    Args:
        variables: its environment.
        log: where its log goes.
    """

    def __init__(self, variables: dict[str, str], log: Path) -> None:
        self._variables = variables
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """It is on its way; `wait_up` waits until it takes sessions."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(COMMAND, env=self._variables, stderr=output)
        return self.process

    def wait_up(self, within_s: float = WITHIN_S) -> None:
        """It takes sessions."""
        process, port = self.process, int(self._variables["EV_METRICS_PORT"])
        assert process
        wait_until(lambda: process.poll() is not None or trouble(port) is None, within_s=within_s)
        assert process.poll() is None, self.log.read_text()

    def kill(self) -> None:
        """It is gone, at once."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def worker(variables: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Within, the worker takes sessions; it is gone afterwards."""
    running = WorkerProcess(variables, log)
    try:
        process = running.start()
        running.wait_up()
        yield process
    finally:
        running.kill()
