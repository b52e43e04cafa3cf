"""A local stack of a test's own, driven by its commands as a person would.

What lives here: its home, ports and commands. What does not: what must be true of it (tests).
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ev_pipeline.settings import ENV_PREFIX, PORTS
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.mosquitto import find_mosquitto
from ev_pipeline.stack.nodered_packages import packages_directory
from ev_pipeline.stack.services import SERVICE_NAMES
from ev_pipeline.stack.state import StackState, read_state
from ev_pipeline_tests.conftest import free_port, quick_home
from ev_pipeline_tests.stack.processes import processes_of, wait_until

UP_WITHIN_S: Final = 240
"""By when a stack works, s; it takes some 12 s on two quiet cores."""

STOPPED_WITHIN_S: Final = 60
"""By when nothing of a stack runs any more, s."""

OWN_PORTS: Final = tuple(f"{ENV_PREFIX}{name.upper()}" for name in PORTS)
"""The variables by which a stack gets ports of its own."""

OPTIONAL: Final = ("nodered", "simulator")
STARTED: Final = [name for name in SERVICE_NAMES if name not in OPTIONAL]


@dataclass(frozen=True)
class LocalStack:
    """A home of its own with ports of its own, and the command on it."""

    home: Path
    postgres_port: int = field(default_factory=free_port)
    dagster_port: int = field(default_factory=free_port)
    python: str = sys.executable
    user: str | None = None
    mqtt_port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    nodered_port: int = field(default_factory=free_port)
    has_simulator: bool = False
    has_dashboard: bool = False

    def run(self, *arguments: str, without: str = "") -> subprocess.CompletedProcess[str]:
        """The command has ended; `without` names variables that it is not given."""
        environment = self.environment
        return subprocess.run(
            [*self.program, *arguments],
            env={name: environment[name] for name in environment if name not in without.split()},
            cwd=self.home,
            user=self.user,
            extra_groups=[] if self.user else None,
            capture_output=True,
            text=True,
            timeout=UP_WITHIN_S,
            check=False,
        )

    def start(self, *arguments: str, without: str = "") -> None:
        """Everything works."""
        started = self.run("up", "--detach", *arguments, without=without)
        assert started.returncode == 0, started.stderr

    @property
    def program(self) -> list[str]:
        """The command without its arguments."""
        return [self.python, "-m", "ev_pipeline.cli.main"]

    @property
    def environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if name[:3] != ENV_PREFIX}
        if self.python != sys.executable:  # beside which there may be no broker
            ours["EV_MOSQUITTO_BIN"] = str(find_mosquitto(None, account=None).parent)
        return {
            **ours,
            "EV_HOME": str(self.home),
            "EV_POSTGRES_PORT": str(self.postgres_port),
            "EV_DAGSTER_PORT": str(self.dagster_port),
            "EV_MQTT_PORT": str(self.mqtt_port),
            "EV_METRICS_PORT": str(self.metrics_port),
            "EV_TIMEZONE": "Europe/Lisbon",
            "EV_NODERED_PORT": str(self.nodered_port),
            "EV_SIMULATOR": str(self.has_simulator).lower(),
            "EV_DASHBOARD": str(self.has_dashboard).lower(),
            "EV_NODERED_PACKAGES": str(packages_directory()),  # also for another Python
            "PYTHONPATH": ":".join(path for path in sys.path if path),
        }

    def status(self) -> dict[str, Any]:
        """What `status` says."""
        document = json.loads(self.run("status", "--json").stdout)
        assert isinstance(document, dict)
        return document

    @property
    def state(self) -> StackState:
        """What the supervisor last saw: what `status` says, without starting a program."""
        return read_state(Layout(self.home))

    def processes(self) -> dict[int, str]:
        """Everything of it that runs, by number."""
        return processes_of(self.home)


@contextlib.contextmanager
def local_stack(*, has_dashboard: bool = False) -> Iterator[LocalStack]:
    """Within, nothing runs yet; afterwards nothing runs any more."""
    stack = LocalStack(quick_home(), has_dashboard=has_dashboard)
    try:
        yield stack
    finally:
        stopped = stack.run("down")
        assert stopped.returncode == 0, stopped.stderr
        wait_until(lambda: not stack.processes(), within_s=STOPPED_WITHIN_S)
        shutil.rmtree(stack.home)
