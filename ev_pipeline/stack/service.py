"""What a service is: a program, what it needs and how to know that it works.

What lives here: the description. What does not: starting it, or which services there are.
"""

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ev_pipeline.stack.account import Account

State = Literal["running", "starting", "stopped", "failed"]
"""`starting` lives but does not answer (yet); `failed` keeps dying."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One program that the supervisor keeps alive.

    Args:
        name: as `status` shows it; also its log's name.
        command: program and arguments; no secrets, since every user can list them.
        environment: all the variables that it gets.
        directory: where it runs.
        probe: given when it was started (Unix time, s), says null if it works, else why not;
            raises a `PipelineError` where waiting is of no use.
        address: where people or programs find it; null for one that nobody calls.
        after: names of the services that must work before it starts.
        account: the user that it runs as; null for ours.
        stop_signal: what asks it to stop.
        start_deadline_s: by when it must work, s.
        stop_deadline_s: by when it must have stopped before it is killed, s.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    probe: Callable[[float], str | None]
    address: str | None = None
    after: tuple[str, ...] = ()
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    start_deadline_s: float = 180
    stop_deadline_s: float = 20
