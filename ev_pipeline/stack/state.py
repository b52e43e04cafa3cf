"""Who supervises this home, and what it last saw: a lock and a file that `status` reads.

What lives here: the lock, the file, reading both. What does not: changing any state.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stack.layout import PRIVATE_FILE, Layout
from ev_pipeline.stack.service import State

FRESH_S: Final = 30
"""A supervisor that has not looked at its services for so long is stuck, s."""


@dataclass(frozen=True)
class ServiceState:
    """What is known of one service.

    Args:
        state: as contracts have it.
        pid: its process; null where there is none.
        address: where it is found; null where nobody calls it.
        detail: why it does not work; empty where it does.
    """

    state: State
    pid: int | None = None
    address: str | None = None
    detail: str = ""


@dataclass(frozen=True)
class StackState:
    """What is known of the stack.

    Args:
        supervisor: the supervisor's process; null where none runs.
        checked_at_s: when the services were last looked at, Unix time, s.
        services: each by name, in the order of their start.
    """

    supervisor: int | None = None
    checked_at_s: float = 0
    services: dict[str, ServiceState] = field(default_factory=dict)

    def is_healthy(self, now_s: float) -> bool:
        """Whether every service works, and somebody looked lately."""
        is_fresh = now_s - self.checked_at_s < FRESH_S
        states = [service.state for service in self.services.values()]
        return bool(self.supervisor and states and is_fresh) and set(states) == {"running"}


@contextmanager
def only_supervisor(layout: Layout) -> Iterator[None]:
    """Within, this process is the only supervisor of the home; the lock dies with it.

    Raises:
        PipelineError: if there is another.
    """
    descriptor = os.open(_lock(layout), os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    with os.fdopen(descriptor, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PipelineError(
                f"the stack is up already (supervisor is process {lock.read().strip()})",
                mend="see `ev-pipeline status`; stop it with `ev-pipeline down`; "
                "a second stack needs an EV_HOME and ports of its own",
                where=str(layout.home),
            ) from error
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def supervisor_pid(layout: Layout) -> int | None:
    """The process that holds the lock; null where nobody does, whatever the file says."""
    try:
        descriptor = os.open(_lock(layout), os.O_RDWR)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "r") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(lock.read().strip() or 0) or None
    return None


def write_state(layout: Layout, services: dict[str, ServiceState]) -> None:
    """The state is what `read_state` finds from now on, replaced in one step."""
    state = StackState(os.getpid(), time.time(), services)
    unfinished = _file(layout).with_suffix(".unfinished")
    unfinished.write_text(json.dumps(asdict(state)))
    unfinished.replace(_file(layout))


def read_state(layout: Layout) -> StackState:
    """What the living supervisor last saw; nothing where none lives."""
    pid = supervisor_pid(layout)
    if pid is None or not _file(layout).exists():
        return StackState(pid)
    stored = json.loads(_file(layout).read_text())
    if stored["supervisor"] != pid:
        return StackState(pid)
    services = {name: ServiceState(**each) for name, each in stored["services"].items()}
    return StackState(pid, stored["checked_at_s"], services)


def _lock(layout: Layout) -> Path:
    return layout.run / "supervisor.lock"


def _file(layout: Layout) -> Path:
    return layout.run / "state.json"
