"""Starting and stopping one program so that it never outlives whoever started it.

What lives here: process groups, the parent-death signal, a stop with a deadline.
What does not: which programs there are, or when to start them again.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from ev_pipeline.stack.account import Account

PR_SET_PDEATHSIG: Final = 1
"""Linux prctl: the signal that this process gets when its parent dies."""

_libc: Final = ctypes.CDLL(None, use_errno=True)


def python_module(module: str, *arguments: str) -> list[str]:
    """The command that runs a module with this interpreter, whatever lies in the directory."""
    return [sys.executable, "-P", "-m", module, *arguments]


def dies_with_parent(stop_signal: signal.Signals) -> Callable[[], None]:
    """What a child does before it becomes its program, so that it is told when we die.

    Args:
        stop_signal: what the child gets then.
    """
    parent = os.getpid()

    def ask_the_kernel() -> None:
        if sys.platform == "linux":
            _libc.prctl(PR_SET_PDEATHSIG, stop_signal)
            if os.getppid() != parent:
                os._exit(1)

    return ask_the_kernel


def start(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    directory: Path,
    account: Account | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """The program runs in a process group of its own and is told to stop if we die.

    Args:
        command: program and arguments; no secrets, since every user can list them.
        environment: all the variables that it gets.
        log: where its output is appended.
        directory: where it runs.
        account: the user that it runs as; null for ours.
        stop_signal: what asks it to stop.
    """
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - the commands are ours
            command,
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            process_group=0,
            preexec_fn=dies_with_parent(stop_signal),  # noqa: PLW1509 - called from the only thread
        )


def stop(
    process: subprocess.Popen[bytes], *, stop_signal: signal.Signals, deadline_s: float
) -> None:
    """The program and all of its process group are gone.

    Args:
        process: as `start` returned it.
        stop_signal: what asks it to stop.
        deadline_s: how long it may take before it is killed, s.
    """
    if process.poll() is None:
        process.send_signal(stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(deadline_s)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
