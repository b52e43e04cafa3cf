"""Chargers with an outbox: what was not accepted is kept and sent again.

What lives here: the publisher and its account of what it sent. What does not: what became of it
(`accounts`).
"""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Final

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.messages import Outcome
from ev_pipeline.messaging.session import Session
from ev_pipeline_tests.messaging.listening import WITHIN_S
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.streams import a_session

WINDOW: Final = 100
"""Messages that are on their way at a time."""

REFUSED: Final = 7
REPEATING: Final = 13
"""Which of twenty sessions has no energy, and which is sent twice instead of another."""

KEPT_AFTER_ACCEPTED_S: Final = 5.0
"""How long a message is kept once it is accepted, s of being connected: a broker that is killed
forgets what came in during its last second, accepted or not."""


class Publisher:
    """Sessions at a rate, one in twenty refused and one in twenty repeated, until stopped.

    Args:
        login: the charger's account.
        prefix: how its sessions' ids begin.
        rate_per_s: how many are sent, 1/s.
        keeps_accepted: whether what the broker accepted just now is sent again after a lost
            connection.
    """

    def __init__(
        self, login: Login, prefix: str, *, rate_per_s: float = 400, keeps_accepted: bool = False
    ) -> None:
        self.account = login.username
        self._topic = topics.sessions(login.username)
        self._prefix = prefix
        self._rate_per_s = rate_per_s
        self._keeps_accepted = keeps_accepted
        self._client = Client(login, Session(on_connected=self._note_connection))
        self._n_connections = 0
        self._seen_connections = 0
        self._on_its_way: dict[str, tuple[bytes, Future[Outcome]]] = {}
        self._outbox: deque[tuple[str, bytes]] = deque()
        self._recent: deque[tuple[float, str, bytes]] = deque()
        self.accepted: set[str] = set()
        self.n_accepted = 0
        self._made = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"publisher {prefix}")

    def start(self) -> None:
        """It is connected, and sends."""
        self._client.start()
        self._client.wait_connected(WITHIN_S)
        self._thread.start()

    def finish(self, within_s: float) -> None:
        """Nothing new is made, and the broker has accepted everything."""
        self._stopping.set()
        self._thread.join()
        wait_until(self._is_done, within_s=within_s)

    def close(self) -> None:
        """Whatever is left is left."""
        self._stopping.set()
        self._thread.join()
        self._client.stop()

    def _is_done(self) -> bool:
        self._look()
        self._send_kept()
        return not self._on_its_way and not self._outbox

    def _run(self) -> None:
        began_s = time.monotonic()
        while not self._stopping.wait(1 / self._rate_per_s):
            self._look()
            self._send_kept()
            due = int((time.monotonic() - began_s) * self._rate_per_s)
            while self._made < due and len(self._on_its_way) + len(self._outbox) < WINDOW:
                self._outbox.append(self._new())
                self._send_kept()

    def _new(self) -> tuple[str, bytes]:
        """The next session, or one in twenty times the one before once more."""
        number = self._made - 1 if self._made % 20 == REPEATING else self._made
        self._made += 1
        name = f"{self._prefix}-{number}"
        energy_kwh = -1 if number % 20 == REFUSED else 11.5
        session = a_session(name, connector_id=name, energy_kwh=energy_kwh)
        return name, json.dumps(session).encode()

    def _send_kept(self) -> None:
        while self._outbox and len(self._on_its_way) < WINDOW:
            name, payload = self._outbox.popleft()
            self._on_its_way[name] = (payload, self._client.publish(self._topic, payload))

    def _look(self) -> None:
        now_s = time.monotonic()
        for name, (payload, future) in list(self._on_its_way.items()):
            if not future.done():
                continue
            del self._on_its_way[name]
            if future.result().is_accepted:
                self.accepted.add(name)
                self.n_accepted += 1
                self._recent.append((now_s, name, payload))
            else:
                self._outbox.append((name, payload))
        if self._seen_connections != self._n_connections:
            self._seen_connections = self._n_connections
            if self._keeps_accepted:
                self._outbox.extend((name, payload) for _, name, payload in self._recent)
            self._recent.clear()
        # While the broker is away nothing grows old: what it had last, it may have lost.
        while (
            self._client.is_connected
            and self._recent
            and self._recent[0][0] < now_s - KEPT_AFTER_ACCEPTED_S
        ):
            self._recent.popleft()

    def _note_connection(self, _is_known: bool) -> None:  # noqa: FBT001 -- the client's callback
        self._n_connections += 1


@contextmanager
def publishing(login: Login, prefix: str, **options: float) -> Iterator[Publisher]:
    """Within, the publisher sends."""
    publisher = Publisher(login, prefix, **options)  # type: ignore[arg-type]  # bool is an int
    publisher.start()
    try:
        yield publisher
    finally:
        publisher.close()
