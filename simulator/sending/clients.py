"""The connections by which messages leave, and what the broker and the worker say to them.

What lives here: who sends what when there is room, and messages that must be sent again. What does
not: what waits on disk (`outbox`).
"""

import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.handshake import log_in
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.messages import NOBODY_SUBSCRIBED, Message, Outcome
from ev_pipeline.messaging.session import Session
from simulator.sending.kept import Answers, Kept
from simulator.sending.line import Line

WINDOW: Final = 800
"""How many messages of one connection may be unanswered."""

CONNECT_WITHIN_S: Final = 10
"""By when a connection must have been accepted at the start, s."""

LEAST_PAUSE_S: Final = 0.2
GREATEST_PAUSE_S: Final = 5.0
"""Pauses before sending again what was not accepted double from the one to the other, s."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a broker has said to a message.

    Args:
        outcome: what became of the message.
        asked_at: when it was sent, on the monotonic clock, s.
    """

    outcome: Outcome
    asked_at: float


@dataclass(slots=True)
class Account:
    """One account's connections and what it has under way.

    Args:
        login: who it is.
        lines: its connections.
        seen: place and number of the last message that was taken from the outbox.
        again: messages that were not accepted, to be sent before others.
        n_under_way: messages that are unanswered.
        pause_s: how long to wait after the next message that is not accepted, s.
        resumes_at: when it may send again, on the monotonic clock, s.
        is_unheard: whether nobody subscribes to its topic.
    """

    login: Login
    lines: list[Line]
    seen: tuple[int, int] = (0, 0)
    again: deque[Kept] = field(default_factory=deque)
    n_under_way: int = 0
    pause_s: float = LEAST_PAUSE_S
    resumes_at: float = 0.0
    is_unheard: bool = False
    _turn: int = 0

    @property
    def name(self) -> str:
        """Its name at the broker."""
        return self.login.username

    def room(self) -> int:
        """How many messages it may send."""
        if time.monotonic() < self.resumes_at:
            return 0
        return WINDOW * len(self.lines) - self.n_under_way

    def next_line(self) -> Line:
        """Its connections take turns."""
        self._turn += 1
        return self.lines[self._turn % len(self.lines)]


class Clients:
    """Every connection of a simulator.

    Args:
        logins: the accounts.
        n_clients: connections, at least one an account.
        hold_s: how long an accepted message is held, s.
    """

    def __init__(self, logins: Sequence[Login], n_clients: int, *, hold_s: float) -> None:
        self._heard: SimpleQueue[Callable[[Answers], None]] = SimpleQueue()
        self.accounts: Final = [Account(login, []) for login in logins]
        for number in range(max(n_clients, len(logins))):
            account = self.accounts[number % len(logins)]
            account.lines.append(self._line(account, hold_s))

    def connect(self) -> None:
        """Every connection is there.

        Raises:
            PipelineError: one is not; says why.
        """
        for account in self.accounts:
            log_in(account.login).close()  # says at once what is wrong; a client tries again
        for line in self._lines:
            line.client.start()
        for line in self._lines:
            line.client.wait_connected(CONNECT_WITHIN_S)

    def stop(self) -> None:
        """No connection is left; what was unanswered stays in the outbox."""
        for line in self._lines:
            line.client.stop()

    @property
    def n_under_way(self) -> int:
        """How many messages are unanswered."""
        return sum(account.n_under_way for account in self.accounts)

    def send(self, account: Account, message: Kept) -> None:
        """The message is on its way."""
        account.n_under_way += 1
        own: Mapping[str, str] | None = (
            None if message.message_id is None else {"message_id": message.message_id}
        )
        line, asked_at = account.next_line(), time.monotonic()
        sent = line.client.publish(topics.sessions(account.name), message.payload, properties=own)

        def note(outcome: Future[Outcome]) -> None:
            said = Answer(outcome.result(), asked_at)
            self._heard.put(partial(_note_outcome, account, line, message, said))

        sent.add_done_callback(note)

    def answers(self, within_s: float) -> Answers:
        """What has been heard; waits for something, but not longer than said."""
        answers = Answers()
        try:
            note = self._heard.get(timeout=within_s) if within_s > 0 else self._heard.get_nowait()
            while True:
                note(answers)
                note = self._heard.get_nowait()
        except Empty:
            return answers

    def ask(self) -> None:
        """Brokers whose word would let something go, and who have nothing to say, are asked."""
        for account in self.accounts:
            for line in filter(Line.is_to_ask, account.lines):
                heard = partial(self._hear_word, account, line, time.monotonic())
                line.client.ask().add_done_callback(heard)

    @property
    def _lines(self) -> list[Line]:
        return [line for account in self.accounts for line in account.lines]

    def _line(self, account: Account, hold_s: float) -> Line:
        """A connection; an account's first one hears what was refused, so that it is heard once."""
        line: Line
        session = Session(
            topics=[] if account.lines else [topics.rejections(account.name)],
            on_message=lambda message: self._heard.put(
                partial(_note_rejection, line.client, message)
            ),
            on_connected=lambda generation: self._heard.put(
                partial(_note_generation, account, line, generation)
            ),
        )
        line = Line(Client(account.login, session), hold_s)
        return line

    def _hear_word(
        self, account: Account, line: Line, asked_at: float, outcome: Future[Outcome]
    ) -> None:
        said = Answer(outcome.result(), asked_at)
        if said.outcome.reason_code is not None:
            self._heard.put(partial(_note_word, account, line, said))


def _note_generation(account: Account, line: Line, generation: int, _answers: Answers) -> None:
    """Where the connection is a new one, its broker may have forgotten what it had accepted."""
    account.again.extend(line.meet(generation))


def _note_word(account: Account, line: Line, said: Answer, answers: Answers) -> None:
    _note_generation(account, line, said.outcome.generation, answers)
    answers.safe.extend(line.safe(said.asked_at, said.outcome.generation))


def _note_outcome(
    account: Account, line: Line, message: Kept, said: Answer, answers: Answers
) -> None:
    outcome = said.outcome
    account.n_under_way -= 1
    if outcome.reason_code is not None:
        _note_word(account, line, said, answers)
    if outcome.is_accepted:
        (answers.again if message.is_accepted else answers.accepted).append(message)
        account.again.extend(line.hold(message, outcome.generation))
        account.pause_s, account.is_unheard = LEAST_PAUSE_S, False
    elif outcome.is_refused and outcome.reason_code is not None:
        answers.refused.append((message, outcome.reason_code))
    else:
        account.again.append(message)
        account.is_unheard = outcome.reason_code == NOBODY_SUBSCRIBED
        now = time.monotonic()
        if now >= account.resumes_at:
            account.resumes_at = now + account.pause_s
            account.pause_s = min(account.pause_s * 2, GREATEST_PAUSE_S)


def _note_rejection(client: Client, message: Message, answers: Answers) -> None:
    client.acknowledge(message)
    for reason in json.loads(message.payload)["reasons"]:
        answers.rejected[reason["code"]] += 1
