"""One log a service under `$EV_HOME/logs`, of bounded size.

What lives here: names, bounds, the last line. What does not: what is written into them.
"""

import shutil
from pathlib import Path
from typing import Final

from ev_pipeline.stack.layout import Layout

MAX_BYTES: Final = 10_000_000
"""A log that grows beyond this is put aside; one older copy is kept: 20 MB a service at most."""

TAIL_BYTES: Final = 4_000
"""Enough to hold the last line."""


def log_path(layout: Layout, name: str) -> Path:
    """Where the service's output goes."""
    return layout.logs / f"{name}.log"


def bound(log: Path) -> None:
    """The log is not larger than its bound; whoever has it open writes on.

    Lines that are written while an oversized log is put aside can be lost.
    """
    if log.exists() and log.stat().st_size > MAX_BYTES:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        with log.open("r+b") as file:
            file.truncate()


def last_line(log: Path) -> str:
    """The last line with something on it; empty where there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")
