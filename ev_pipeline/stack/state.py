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

WIND_DOWN_S: Final = 60
"""By when the guard has ended what a killed supervisor left behind, s: its grace per service."""

POLL_S: Final = 0.1
"""How often a lock that is about to be free is tried, s."""


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
def only_one_at_work(layout: Layout) -> Iterator[None]:
    """Within, no supervisor runs on the home, and none can start.

    Raises:
        PipelineError: the stack is up.
    """
    lock = become_only_supervisor(layout)
    try:
        yield
    finally:
        os.close(lock)


def become_only_supervisor(layout: Layout) -> int:
    """From now until it ends, this process is the only supervisor of the home.

    Whoever inherits the lock holds it too: the guard does, until what a killed supervisor left
    behind has ended. Such an end is waited for.

    Returns:
        The lock's descriptor, which is never closed: the lock ends with the process.

    Raises:
        PipelineError: if there is another supervisor.
    """
    descriptor = os.open(_lock(layout), os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    deadline = time.monotonic() + WIND_DOWN_S
    while not _try_lock(descriptor, fcntl.LOCK_EX):
        pid = _pid_in(layout)
        if (pid and _is_alive(pid)) or time.monotonic() > deadline:
            os.close(descriptor)
            raise PipelineError(
                f"the stack is up already (supervisor is process {pid or 'unknown'})",
                mend="see `ev-pipeline status`; stop it with `ev-pipeline down`; "
                "a second stack needs an EV_HOME and ports of its own",
                where=str(layout.home),
            )
        time.sleep(POLL_S)
    os.truncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def is_locked(layout: Layout) -> bool:
    """Whether a supervisor runs, or what one left behind is being ended."""
    try:
        lock = _lock(layout).open("r+")
    except FileNotFoundError:
        return False
    with lock:
        return not _try_lock(lock.fileno(), fcntl.LOCK_SH)


def has_had_supervisor(layout: Layout) -> bool:
    """Whether a stack was ever started in this home: what tells it from any other directory."""
    return _lock(layout).is_file()


def supervisor_pid(layout: Layout) -> int | None:
    """The living supervisor's process; null where there is none, whatever files say."""
    pid = _pid_in(layout) if is_locked(layout) else None
    return pid if pid and _is_alive(pid) else None


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


def ended_by_itself(layout: Layout) -> bool:
    """Whether the last supervisor ended while services ran: killed, or with the machine.

    One that is stopped has seen every service stop before it ends.
    """
    if is_locked(layout) or not _file(layout).exists():
        return False
    stored = json.loads(_file(layout).read_text())
    return any(service["pid"] is not None for service in stored["services"].values())


def _try_lock(descriptor: int, operation: int) -> bool:
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid_in(layout: Layout) -> int | None:
    text = _lock(layout).read_text().strip()
    return int(text) if text.isdigit() else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _lock(layout: Layout) -> Path:
    return layout.run / "supervisor.lock"


def _file(layout: Layout) -> Path:
    return layout.run / "state.json"
