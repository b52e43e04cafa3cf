"""The last resort: ends what a supervisor leaves behind when it is killed.

A service's own children (a run of Dagster) do not notice that the supervisor died.
This small process does: its standard input ends. What lives here: that process and its protocol.
What does not: any decision about services that a living supervisor takes.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import Final, Self

from ev_pipeline.stack.process import python_module

GRACE_S: Final = 20
"""How long a service may take to end by itself, s; a database writes what it holds meanwhile."""

POLL_S: Final = 0.1
"""How often an ending service is looked at, s."""


class Guard:
    """The supervisor's end: tells the guard which process groups there are.

    Args:
        lock: descriptor of the stack's lock, which the guard holds as long as it has work.
    """

    def __init__(self, lock: int) -> None:
        self._lock = lock

    def __enter__(self) -> Self:
        """The guard runs."""
        self._process = subprocess.Popen(  # noqa: S603 - this very file
            python_module("ev_pipeline.stack.guard"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[self._lock],
        )
        return self

    def __exit__(self, *_: object) -> None:
        """The guard has ended, and so has whatever was still watched."""
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()

    def watch(self, group: int, stop_signal: signal.Signals) -> None:
        """The group is ended with us, asked to by this signal."""
        self._say(f"{group} {int(stop_signal)}\n")

    def forget(self, group: int) -> None:
        """The group has ended; its number may come to mean another."""
        self._say(f"{group} 0\n")

    def _say(self, line: str) -> None:
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(line.encode())
                self._process.stdin.flush()


def main() -> None:
    """Remember the groups on standard input until it ends, then end them, newest first."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: dict[int, int] = {}
    for line in sys.stdin:
        group, stop_signal = map(int, line.split())
        groups.pop(group, None)
        if stop_signal:
            groups[group] = stop_signal
    for group in reversed(groups):
        _end(group, groups[group])


def _end(group: int, stop_signal: int) -> None:
    """The group's first process may end in its own way; then whatever is left is killed."""
    deadline = time.monotonic() + GRACE_S
    with contextlib.suppress(ProcessLookupError):
        os.kill(group, stop_signal)
        while time.monotonic() < deadline:
            time.sleep(POLL_S)
            os.kill(group, 0)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
