"""One start of the simulator: outbox, connections, the loop, signals and what is told at the end.

What lives here: what `replay` and `fleet` share. What does not: where their sessions come from.
"""

import json
import secrets
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import load_settings
from simulator.sending.clients import Clients
from simulator.sending.logins import logins_of
from simulator.sending.outbox import Outbox, Run
from simulator.sending.progress import display, messages
from simulator.sending.simulation import Plan, Simulation
from simulator.sending.summary import Summary, summary_of


@dataclass(frozen=True, slots=True)
class Start:
    """What a person said about sending, whatever is sent.

    Args:
        job: what is sent how, in words: an interrupted run of the same job goes on.
        accounts: names of accounts; none for the environment's.
        n_clients: connections.
        outbox: the outbox's directory; null for the account's own.
        hold_s: how long an accepted message is held, s.
        is_anew: whether to begin again in any case.
        seed: of everything random; null for another each time.
        ids: where to write accepted ids; null for nowhere.
        as_json: whether the summary is JSON.
    """

    job: str
    accounts: Sequence[str]
    n_clients: int
    outbox: Path | None
    hold_s: float
    is_anew: bool
    seed: int | None
    ids: Path | None
    as_json: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan, and how many sessions it comes to if that is known."""

    plan: Plan
    total: int | None


def send(start: Start, prepare: Callable[[Run, Sequence[str]], Prepared]) -> None:
    """The run of this job is over, or stopped by Ctrl-C or SIGTERM; its summary is told.

    Args:
        start: how it is sent.
        prepare: what is sent, once the run and the accounts are known.

    Raises:
        PipelineError: it cannot begin, or the broker refuses messages for good.
    """
    logins = logins_of(start.accounts)
    names = [login.username for login in logins]
    directory = start.outbox or load_settings().home / "outbox" / names[0]
    with Outbox(directory) as outbox:
        clients = Clients(logins, start.n_clients, hold_s=start.hold_s)
        try:
            clients.connect()
            seed = secrets.randbits(32) if start.seed is None else start.seed
            new = Run(secrets.token_hex(4), seed)
            run = outbox.begin(start.job, new, is_anew=start.is_anew)
            if run.n_made:
                messages.print(f"goes on with run {run.name} after {run.n_made:,} sessions")
            prepared = prepare(run, names)
            with display(prepared.total) as shown:
                simulation = Simulation(prepared.plan, run, outbox, clients, shown.show)
                with stopped_by_signals(simulation.stop):
                    simulation.go_on()
        finally:
            clients.stop()
        summary = summary_of(simulation, outbox)
        if start.ids is not None:
            _write_ids(start.ids, outbox.accepted_names(run.name))
    _tell(summary, as_json=start.as_json)
    if summary.refused:
        raise PipelineError(
            f"the broker refuses {summary.refused:,} messages for good: an account may not write "
            "its topic, or a message is larger than the broker takes",
            mend="see `ev-pipeline accounts list`; they are kept, and not sent again",
            where=str(directory),
        )


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Within, Ctrl-C and SIGTERM ask for a stop; a second one ends the process at once."""
    asked = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in asked]

    def ask(_number: int, _frame: object) -> None:
        for number, handler in zip(asked, before, strict=True):
            signal.signal(number, handler)
        stop()

    for number in asked:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for number, handler in zip(asked, before, strict=True):
            signal.signal(number, handler)


def _write_ids(path: Path, names: Iterator[str]) -> None:
    try:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{name}\n" for name in names)
    except OSError as error:
        raise PipelineError(
            f"the ids cannot be written ({error.strerror})",
            mend="name a file that you may write by --ids",
            where=str(path),
        ) from error


def _tell(summary: Summary, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(summary.as_document(), indent=2) + "\n")
        return
    for line in summary.lines():
        messages.print(escape(line), soft_wrap=True)
