"""A supervisor behind the command that started it: its start, its end, and how both are told.

What lives here: both ends of that relation. What does not: what a supervisor does.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stack import process
from ev_pipeline.stack.layout import PRIVATE_FILE, Layout
from ev_pipeline.stack.logs import log_path
from ev_pipeline.stack.state import is_locked, supervisor_pid

HEALTHY_LINE: Final = "everything works"
"""What a supervisor says last before it goes into the background."""

STOP_DEADLINE_S: Final = 150
"""By when a stack has stopped, s: more than the sum of its services' own deadlines."""

POLL_S: Final = 0.1
"""How often a stopping stack is looked at, s."""


def start(
    command: Sequence[str], *, is_bound_to_us: bool, on_line: Callable[[str], None]
) -> subprocess.Popen[bytes]:
    """A supervisor works in a session of its own; what it says until then is passed on.

    Args:
        command: starts a supervisor that calls `go_silent` when its services work.
        is_bound_to_us: whether it stops when this process dies.
        on_line: gets each line that it says.

    Raises:
        ChildProcessError: if it ended before its services worked; it has said why.
    """
    supervisor = subprocess.Popen(  # noqa: S603 - this very program
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=process.dies_with_parent(signal.SIGTERM) if is_bound_to_us else None,  # noqa: PLW1509 - called from the only thread
    )
    try:
        if supervisor.stderr:
            with supervisor.stderr as said:
                for raw in said:
                    line = raw.decode(errors="replace").rstrip("\n")
                    on_line(line)
                    if line == HEALTHY_LINE:
                        return supervisor
    except KeyboardInterrupt:
        stop(supervisor)
        raise
    raise ChildProcessError(supervisor.wait())


def stop(supervisor: subprocess.Popen[bytes]) -> None:
    """The supervisor that this process started has stopped its services and itself.

    A second Ctrl-C in the meantime changes nothing.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ProcessLookupError):
        supervisor.send_signal(signal.SIGTERM)
    supervisor.wait()
    signal.signal(signal.SIGINT, before)


def go_silent(layout: Layout) -> None:
    """Say that all is well, and from now on speak to the supervisor's log only."""
    sys.stderr.write(f"{HEALTHY_LINE}\n")
    sys.stderr.flush()
    log = log_path(layout, "supervisor")
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
    os.fchmod(descriptor, PRIVATE_FILE)  # also one that an earlier version made
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(descriptor, stream.fileno())
    os.close(descriptor)


def stop_stack(layout: Layout) -> bool:
    """No supervisor and no service of this home runs any more.

    Returns:
        Whether one ran.

    Raises:
        PipelineError: if it does not stop in time, or belongs to somebody else.
    """
    if not is_locked(layout):
        return False
    pid = supervisor_pid(layout)
    if pid is not None:
        _ask_to_stop(layout, pid)
    deadline = time.monotonic() + STOP_DEADLINE_S
    while is_locked(layout):
        if time.monotonic() > deadline:
            raise PipelineError(
                f"the stack (process {pid}) has not stopped within {STOP_DEADLINE_S} s",
                mend=f"see {log_path(layout, 'supervisor')}; `kill -9 {pid}` ends everything",
                where=str(layout.home),
            )
        time.sleep(POLL_S)
    return True


def _ask_to_stop(layout: Layout, pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return  # it stopped by itself just now
    except PermissionError as error:
        raise PipelineError(
            f"the stack belongs to another user (process {pid})",
            mend="stop it as the user who started it",
            where=str(layout.home),
        ) from error
