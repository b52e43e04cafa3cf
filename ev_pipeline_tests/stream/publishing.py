"""A charger with an outbox: what was not accepted is kept and sent again, whatever is killed.

What lives here: the publisher and its account of what it sent. What does not: what became of it
(`accounts`).
"""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Final, Self

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.messages import Outcome
from ev_pipeline.messaging.session import Session
from ev_pipeline_tests.messaging.listening import WITHIN_S
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.streams import a_session

RATE_PER_S: Final = 400
"""How many messages are made, 1/s, unless a test says otherwise."""

WINDOW: Final = 500
"""Messages that wait for the broker's answer, at most."""

REFUSED: Final = 7
REPEATING: Final = 13
BROKEN: Final = 17
"""Which of twenty messages has no energy, is the one before once more, is no JSON."""

KEPT_AFTER_ACCEPTED_S: Final = 5.0
"""How long a message is kept once it is accepted, s: a broker that is killed forgets what came in
during its last second, accepted or not."""

ACCEPTED_WITHIN_S: Final = 60
"""By when all that was made is accepted, s: a client that lost its broker waits before it looks
again."""


def payload_of(name: str) -> bytes:
    """The message with this name, whose number says what is wrong with it, if anything."""
    number = int(name.rpartition("-")[2])
    if number % 20 == BROKEN:
        return name.encode()
    energy_kwh = -1 if number % 20 == REFUSED else 11.5
    session = a_session(name, connector_id=name, user_id=name, energy_kwh=energy_kwh)
    return json.dumps(session).encode()


class Publisher:
    """Sends one session after the other, a few of them refused or repeated.

    Args:
        login: the charger's account.
        rate_per_s: how many are made, 1/s, at most.
        keeps_accepted: whether what the broker accepted just now is sent again after a lost
            connection, as it must be where the broker is killed.
    """

    def __init__(
        self, login: Login, *, rate_per_s: float = RATE_PER_S, keeps_accepted: bool = False
    ) -> None:
        self.account = login.username
        self._pause_s = 1 / rate_per_s
        self._keeps_accepted = keeps_accepted
        self._n_made = 0
        self._outbox: deque[str] = deque()
        self._n_on_their_way = 0
        self._heard: SimpleQueue[tuple[str, Outcome] | int] = SimpleQueue()
        self._generation = 0
        self._accepted: deque[tuple[float, str]] = deque()
        self._turn = threading.Lock()
        self._client = Client(login, Session(on_connected=self._heard.put))
        self._is_paused = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"publisher {self.account}")

    def __enter__(self) -> Self:
        """It is connected, and sends from now on."""
        self._client.start()
        self._client.wait_connected(WITHIN_S)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing more is sent."""
        self._stopping.set()
        self._thread.join()
        self._client.stop()

    @property
    def n_accepted(self) -> int:
        """How many messages the broker has accepted by now."""
        return len(self._accepted)

    @property
    def accepted(self) -> set[str]:
        """Their names."""
        with self._turn:
            return {name for _, name in self._accepted}

    @contextmanager
    def pausing(self) -> Iterator[None]:
        """Within, nothing new is made, and the broker has accepted everything."""
        with self._turn:
            self._is_paused.set()
        wait_until(self._has_sent_all, within_s=ACCEPTED_WITHIN_S)
        yield
        self._is_paused.clear()

    def _has_sent_all(self) -> bool:
        with self._turn:
            return not self._outbox and not self._n_on_their_way and self._heard.empty()

    def _run(self) -> None:
        while not self._stopping.wait(self._pause_s):
            with self._turn:
                self._settle()
                if not self._is_paused.is_set() and len(self._outbox) < WINDOW:
                    self._outbox.append(self._next())
                while self._outbox and self._n_on_their_way < WINDOW and self._client.is_connected:
                    self._send(self._outbox.popleft())

    def _next(self) -> str:
        number = self._n_made - 1 if self._n_made % 20 == REPEATING else self._n_made
        self._n_made += 1
        return f"{self.account}-{number}"

    def _send(self, name: str) -> None:
        self._n_on_their_way += 1
        sent = self._client.publish(topics.sessions(self.account), payload_of(name))
        sent.add_done_callback(lambda outcome: self._heard.put((name, outcome.result())))

    def _settle(self) -> None:
        """What the broker accepted is so; what it did not is sent again.

        By the connection that brought it: what came over a new one is no sign of how old that is
        which came before it.
        """
        while not self._heard.empty():
            heard = self._heard.get()
            if isinstance(heard, int):
                self._meet(heard)
                continue
            self._n_on_their_way -= 1
            name, outcome = heard
            if outcome.is_accepted:
                self._meet(outcome.generation)
                self._accepted.append((time.monotonic(), name))
            else:
                self._outbox.append(name)

    def _meet(self, generation: int) -> None:
        """After a new connection what the broker may have lost is not accepted.

        While it was away nothing grew old.
        """
        is_new, self._generation = generation > self._generation, max(generation, self._generation)
        if not (is_new and self._keeps_accepted and self._accepted):
            return
        since = self._accepted[-1][0] - KEPT_AFTER_ACCEPTED_S
        while self._accepted and self._accepted[-1][0] > since:
            self._outbox.append(self._accepted.pop()[1])
