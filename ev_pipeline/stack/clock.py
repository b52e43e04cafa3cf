"""The machine's clock, held against what a machine without a network has to hold it against.

What lives here: dates of files and certificates, and what the kernel knows of its own clock. What
does not: what the database knows (`doctor_database`). A clock that is wrong by less than anything
here is old, and that nobody else's time has met, looks right.
"""

import ctypes
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.signing import read_certificate

EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Before this code was written: a clock that says so is wrong."""

TOLERANCE: Final = timedelta(minutes=5)
"""How far another's time may lie from ours: file servers' clocks differ a little."""

MEND: Final = "set the clock (timedatectl set-ntp true)"

_TIMEX_BYTES: Final = 512
"""More than the kernel's `struct timex` takes; zeros ask for nothing to be changed."""

_UNSYNCHRONISED: Final = 5
"""Linux's TIME_ERROR: nothing has disciplined the clock lately."""


def clock(settings: Settings) -> str:
    """Nothing of this stack is younger than now."""
    now = datetime.now(tz=UTC)
    if now < EARLIEST:
        raise PipelineError(f"it says {now:%Y-%m-%d}", mend=MEND)
    newest = max((_written_at(path) for path in _dated(settings.home)), default=now)
    if newest > now + TOLERANCE:
        raise PipelineError(
            f"it says {now:%Y-%m-%d %H:%M} UTC, and files here were written at "
            f"{newest:%Y-%m-%d %H:%M}",
            mend=MEND,
        )
    authority = Layout(settings.home).authority
    if authority.exists() and read_certificate(authority).not_valid_before_utc > now:
        raise PipelineError(
            f"it says {now:%Y-%m-%d %H:%M} UTC, before this stack's own authority was made",
            mend=MEND,
            where=str(authority),
        )
    return f"{now:%Y-%m-%d %H:%M} UTC, {_kept_by()}"


def _dated(home: Path) -> list[Path]:
    """What every running stack writes to, and what a start writes."""
    layout = Layout(home)
    paths = (layout.run, layout.logs, layout.credentials, *layout.logs.glob("*.log"))
    return [path for path in paths if path.exists()]


def _written_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)


def _kept_by() -> str:
    """What the kernel says of its clock; it cannot be asked everywhere."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except AttributeError:
        return "which nobody here vouches for"
    if state == _UNSYNCHRONISED or state < 0:
        return "which no time server keeps (timedatectl set-ntp true)"
    return "kept by a time server"
