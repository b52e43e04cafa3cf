"""Looking at the operating system's processes, for tests of what runs and what has ended."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

POLL_S: Final = 0.1
"""How often a condition is looked at; a test waits for the condition, never for a time."""


def wait_until(condition: Callable[[], object], *, within_s: float) -> None:
    """Return as soon as the condition holds; fail if it does not in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(POLL_S)


def processes_of(home: Path) -> dict[int, str]:
    """Every living process that names the home in its arguments or environment, by number."""
    return {
        pid: arguments.replace(b"\0", b" ").decode()
        for pid, arguments, environment in _all_processes()
        if str(home).encode() in arguments + environment
    }


def _all_processes() -> Iterator[tuple[int, bytes, bytes]]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes()
            environment = (process / "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it ended meanwhile, or is another user's
        if arguments:
            yield int(process.name), arguments, environment
