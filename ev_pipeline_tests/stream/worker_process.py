"""The worker as a process of its own, as the supervisor starts it, for tests that end it.

What lives here: its environment, start and end. What does not: chargers (`streams`, `publishing`).
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from ev_pipeline.settings import ENV_PREFIX, Settings
from ev_pipeline.stack.process import dies_with_parent
from ev_pipeline.stack.stream_worker import trouble
from ev_pipeline_tests.stack.processes import wait_until

COMMAND: Final = [sys.executable, "-m", "ev_pipeline.cli.main", "stream"]

UP_WITHIN_S: Final = 60
"""By when a service that was started again works, s; it takes a few seconds."""

NAMED: Final = (
    *("home", "database_url", "postgres_port", "dagster_port", "metrics_port"),
    *("mqtt_host", "mqtt_port", "mqtt_username", "mqtt_password", "mqtt_ca_file"),
    *("mqtt_client_id", "timezone"),
)
"""Settings that a worker is given."""


@dataclass
class WorkerProcess:
    """A worker that may be ended and started again.

    Args:
        settings: where its database and broker are for it.
        log: what it prints.
    """

    settings: Settings
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def variables(self) -> dict[str, str]:
        """Its environment."""
        ours = {f"{ENV_PREFIX}{name.upper()}": str(getattr(self.settings, name)) for name in NAMED}
        others = {
            name: text for name, text in os.environ.items() if not name.startswith(ENV_PREFIX)
        }
        return others | ours

    def start(self) -> None:
        """It is on its way; `await_up` waits until it takes sessions."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                COMMAND,
                env=self.variables,
                stdout=output,
                stderr=output,
                preexec_fn=dies_with_parent(signal.SIGKILL),  # noqa: PLW1509 -- it only calls the kernel
            )

    def await_up(self) -> None:
        """It takes sessions, and is the process that was started."""
        process, port = self.process, self.settings.metrics_port
        assert process
        try:
            wait_until(
                lambda: process.poll() is not None or trouble(port) is None, within_s=UP_WITHIN_S
            )
        except AssertionError as error:
            pytest.fail(f"the worker is not up {error}: {trouble(port)}; it said {self.said()}")
        assert process.poll() is None, self.said()

    def await_end(self) -> int:
        """It has ended; returns its exit code."""
        assert self.process
        code = self.process.wait(UP_WITHIN_S)
        self.process = None
        return code

    def end(self, how: signal.Signals) -> int:
        """It has ended, asked by the signal; returns its exit code."""
        assert self.process
        self.process.send_signal(how)
        return self.await_end()

    def kill(self) -> None:
        """It is gone, at once, if it was there."""
        if self.process:
            self.end(signal.SIGKILL)

    def said(self) -> str:
        """What it has printed."""
        return self.log.read_text(errors="replace")


@contextmanager
def running(worker: WorkerProcess) -> Iterator[WorkerProcess]:
    """Within, the worker takes sessions; it is gone afterwards."""
    try:
        worker.start()
        worker.await_up()
        yield worker
    finally:
        worker.kill()
