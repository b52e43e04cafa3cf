"""The connections by which messages leave, and what the broker and the worker say to them.

What lives here: who sends what when there is room, and messages that must be sent again. What does
not: what waits on disk (`outbox`).
"""

import json
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Final

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.handshake import log_in
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.messages import NOBODY_SUBSCRIBED, Message, Outcome
from ev_pipeline.messaging.session import Session
from simulator.sending.outbox import Kept

WINDOW: Final = 800
"""How many messages of one connection may be unanswered."""

CONNECT_WITHIN_S: Final = 10
"""By when a connection must have been accepted at the start, s."""

LEAST_PAUSE_S: Final = 0.2
GREATEST_PAUSE_S: Final = 5.0
"""Pauses before sending again what was not accepted double from the one to the other, s."""


@dataclass(slots=True)
class Account:
    """One account's connections and what it has under way.

    Args:
        login: who it is.
        clients: its connections.
        seen: place and number of the last message that was taken from the outbox.
        again: messages that were not accepted, to be sent before others.
        n_under_way: messages that are unanswered.
        pause_s: how long to wait after the next message that is not accepted, s.
        resumes_at: when it may send again, on the monotonic clock, s.
        is_unheard: whether nobody subscribes to its topic.
    """

    login: Login
    clients: list[Client]
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
        return WINDOW * len(self.clients) - self.n_under_way

    def next_client(self) -> Client:
        """Its connections take turns."""
        self._turn += 1
        return self.clients[self._turn % len(self.clients)]


@dataclass(frozen=True, slots=True)
class Answers:
    """What was heard since the last time.

    Args:
        accepted: messages that the broker has.
        refused: messages that it will never take, with its reason code.
        rejected: codes of what the worker refused, with how many of each.
    """

    accepted: list[Kept]
    refused: list[tuple[Kept, int]]
    rejected: Counter[str]

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.accepted or self.refused or self.rejected)


class Clients:
    """Every connection of a simulator.

    Args:
        logins: the accounts.
        n_clients: connections, at least one an account.
    """

    def __init__(self, logins: Sequence[Login], n_clients: int) -> None:
        self._answers: SimpleQueue[tuple[Account, Kept, Outcome] | tuple[Client, Message]] = (
            SimpleQueue()
        )
        self.accounts: Final = [Account(login, []) for login in logins]
        for number in range(max(n_clients, len(logins))):
            account = self.accounts[number % len(logins)]
            account.clients.append(self._client(account.login, is_first=not account.clients))

    def connect(self) -> None:
        """Every connection is there.

        Raises:
            PipelineError: one is not; says why.
        """
        for account in self.accounts:
            log_in(account.login).close()  # says at once what is wrong; a client tries again
        clients = [client for account in self.accounts for client in account.clients]
        for client in clients:
            client.start()
        for client in clients:
            client.wait_connected(CONNECT_WITHIN_S)

    def stop(self) -> None:
        """No connection is left; what was unanswered stays in the outbox."""
        for account in self.accounts:
            for client in account.clients:
                client.stop()

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
        sent = account.next_client().publish(
            topics.sessions(account.name), message.payload, properties=own
        )

        def note(outcome: Future[Outcome]) -> None:
            self._answers.put((account, message, outcome.result()))

        sent.add_done_callback(note)

    def answers(self, within_s: float) -> Answers:
        """What has been heard; waits for something, but not longer than said."""
        answers = Answers([], [], Counter())
        try:
            each = (
                self._answers.get(timeout=within_s) if within_s > 0 else self._answers.get_nowait()
            )
            while True:
                if len(each) == 2:  # noqa: PLR2004 -- a message to us
                    self._note_rejection(*each, answers)
                else:
                    self._note_outcome(*each, answers)
                each = self._answers.get_nowait()
        except Empty:
            return answers

    def _client(self, login: Login, *, is_first: bool) -> Client:
        """A connection; an account's first one hears what was refused, so that it is heard once."""
        heard = [topics.rejections(login.username)] if is_first else []
        client: Client
        session = Session(
            topics=heard, on_message=lambda message: self._answers.put((client, message))
        )
        client = Client(login, session)
        return client

    def _note_outcome(
        self, account: Account, message: Kept, outcome: Outcome, answers: Answers
    ) -> None:
        account.n_under_way -= 1
        if outcome.is_accepted:
            answers.accepted.append(message)
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

    def _note_rejection(self, client: Client, message: Message, answers: Answers) -> None:
        client.acknowledge(message)
        for reason in json.loads(message.payload)["reasons"]:
            answers.rejected[reason["code"]] += 1
