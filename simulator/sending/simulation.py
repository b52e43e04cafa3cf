"""The simulator's one loop: make what is due, keep it, send it, let go of what is safe.

What lives here: the order of the steps, and when to stop. What does not: any step itself.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from simulator.rows import Row
from simulator.sending.clients import WINDOW, Account, Clients
from simulator.sending.kept import Answers
from simulator.sending.outbox import Outbox, Run
from simulator.sending.pace import Pace
from simulator.sending.reports import Report, Reporter

TICK_S: Final = 0.01
"""Least time between two commits, s: what comes up meanwhile shares the next one."""

LONGEST_WAIT_S: Final = 0.1
"""By when the loop looks again whether it is to stop, s."""

MOST_AT_ONCE: Final = 500
"""How many sessions one commit may hold, so that answers are looked at in between."""

MOST_WAITING: Final = 100_000
"""A charger goes on while the broker is away; with so many messages waiting it does not."""

DRAIN_S: Final = 2.0
"""How long answers are waited for after a stop, s; what is not answered stays in the outbox."""

LISTEN_S: Final = 1.0
"""The worker's rejections come after the broker's answer: silence for so long is the end, s."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be sent, and when.

    Args:
        rows_from: the source's rows from the one with that number on.
        reporter: makes messages of them.
        pace: when each is due; null for as fast as they are accepted.
        limit: how many rows are enough; null for all.
        is_loop: whether the source begins again at its end.
    """

    rows_from: Callable[[int], Iterator[Row]]
    reporter: Reporter
    pace: Pace | None
    limit: int | None = None
    is_loop: bool = False


class Simulation:
    """A run on its way, until it is over or stopped.

    Args:
        plan: what is sent when.
        run: how far it has come.
        outbox: where messages wait.
        clients: how they leave; connected.
        watch: called with the simulation after each step.
    """

    def __init__(
        self,
        plan: Plan,
        run: Run,
        outbox: Outbox,
        clients: Clients,
        watch: Callable[["Simulation"], None],
    ) -> None:
        self._plan = plan
        self._outbox = outbox
        self._clients = clients
        self._watch = watch
        self._rows = plan.rows_from(run.next_row)
        self._next: tuple[Row, float] | None = None
        self._counts: dict[tuple[str, str], int] = {}
        self._started_at = time.monotonic()
        self._stopped_at: float | None = None
        self._ended_at: float | None = None
        self.run = run
        self.n_accepted = 0
        names = [account.name for account in clients.accounts]
        self.n_waiting = outbox.n_waiting(names)
        self.n_held = outbox.n_held(names)

    @property
    def seconds(self) -> float:
        """How long it took until all was accepted, or has gone on, s."""
        return (self._ended_at or time.monotonic()) - self._started_at

    @property
    def is_stopped(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopped_at is not None

    @property
    def is_unheard(self) -> bool:
        """Whether messages wait because nobody subscribes to them."""
        return any(account.is_unheard for account in self._clients.accounts)

    def stop(self) -> None:
        """No more is made or sent; safe in a signal's handler."""
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()

    def go_on(self) -> None:
        """Run to the end, or until it is stopped."""
        tick_at = 0.0
        while not self._is_finished():
            time.sleep(max(0.0, tick_at - time.monotonic()))
            answers = self._clients.answers(self._idle_s())
            tick_at = time.monotonic() + TICK_S
            reports = [] if self.is_stopped else self._make()
            self._keep(reports, answers)
            if not self.is_stopped:
                for account in self._clients.accounts:
                    self._send(account)
                if not answers:
                    self._clients.ask()
            self._note_end()
            self._watch(self)
        self._ended_at = self._ended_at or time.monotonic()
        while answers := self._clients.answers(0.0 if self.is_stopped else LISTEN_S):
            self._keep([], answers)

    def _is_finished(self) -> bool:
        if self._stopped_at is not None:
            is_late = time.monotonic() > self._stopped_at + DRAIN_S
            return is_late or self._clients.n_under_way == 0
        return self.run.is_over and self.n_waiting == 0 and self.n_held == 0

    def _note_end(self) -> None:
        """What is left then is to hold what was accepted last, and to listen."""
        if self._ended_at is None and self.run.is_over and self.n_waiting == 0:
            self._ended_at = time.monotonic()

    def _idle_s(self) -> float:
        """How long there is nothing to do but to listen, s."""
        if self.run.is_over or self.is_stopped or not self._has_room(0):
            return LONGEST_WAIT_S
        due_s = self._peek()
        if due_s is None:
            return 0.0
        return min(max(0.0, due_s - self.seconds), LONGEST_WAIT_S)

    def _has_room(self, n_more: int) -> bool:
        windows = sum(WINDOW * len(account.lines) for account in self._clients.accounts)
        most = MOST_WAITING if self._plan.pace else 2 * windows
        return self.n_waiting + n_more < most

    def _peek(self) -> float | None:
        """When the next row is due, s since the start; null where the source has ended."""
        if self._next is None:
            row = next(self._rows, None)
            if row is None:
                return None
            self._next = row, self._plan.pace(row) if self._plan.pace else 0.0
        return self._next[1]

    def _make(self) -> list[Report]:
        """Messages about every row that is due."""
        reports: list[Report] = []
        next_row, n_made, is_over = self.run.next_row, self.run.n_made, self.run.is_over
        while not is_over and len(reports) < MOST_AT_ONCE and self._has_room(len(reports)):
            if self._plan.limit is not None and n_made >= self._plan.limit:
                is_over = True
                break
            due_s = self._peek()
            if due_s is None:
                is_over = not self._plan.is_loop or next_row == 0
                self._rows, next_row = self._plan.rows_from(0), 0
                continue
            if due_s > self.seconds or self._next is None:
                break
            made = self._plan.reporter.reports(self._next[0], n_made, time.time())
            if not made:
                self._count("skipped", "rows")
            reports += made
            self._next = None
            next_row, n_made = next_row + 1, n_made + 1
        self.run = replace(self.run, next_row=next_row, n_made=n_made, is_over=is_over)
        return reports

    def _count(self, what: str, detail: str, n: int = 1) -> None:
        self._counts[what, detail] = self._counts.get((what, detail), 0) + n

    def _keep(self, reports: list[Report], answers: Answers) -> None:
        """What was made and heard is on disk."""
        for code, n in answers.rejected.items():
            self._count("rejected", code, n)
        self._outbox.write(self.run, reports, answers, self._counts)
        self._counts = {}
        self.n_accepted += len(answers.accepted)
        n_refused_late = sum(message.is_accepted for message, _code in answers.refused)
        n_refused = len(answers.refused) - n_refused_late
        self.n_waiting += len(reports) - len(answers.accepted) - n_refused
        self.n_held += len(answers.accepted) - len(answers.safe) - n_refused_late

    def _send(self, account: Account) -> None:
        """What waits is on its way, as far as there is room; what was tried before goes first."""
        room = account.room()
        while account.again and room > 0:
            self._clients.send(account, account.again.popleft())
            room -= 1
        if room <= 0:
            return
        is_all = self.run.is_over
        for message in self._outbox.waiting(account.name, account.seen, room, is_all=is_all):
            account.seen = message.place, message.number
            self._clients.send(account, message)
