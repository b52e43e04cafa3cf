"""A charger with an outbox: what it reports reaches the broker, whatever is killed meanwhile.

What lives here: keeping, sending and sending again. What does not: what is stored of it (tests).
"""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Final, Self

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.messages import Outcome
from ev_pipeline.messaging.session import Session
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.streams import a_session

PAUSE_S: Final = 0.005
"""Between two reports, s: some 200 a second."""

KEPT_S: Final = 5.0
"""How long a report is kept after it was accepted, s: a broker that is killed has not written those
of its last second or two."""

WINDOW: Final = 500
"""Reports that wait for the broker's answer, at most."""

WITHIN_S: Final = 60


def payload_of(name: str) -> bytes:
    """The report with this name: a session; every 10th without energy, every 25th no JSON."""
    number = int(name.rpartition("-")[2])
    if number % 25 == 24:
        return name.encode()
    energy_kwh = 0 if number % 10 == 9 else 11.5
    return json.dumps(
        a_session(name, connector_id=name, user_id=name, energy_kwh=energy_kwh)
    ).encode()


class Reporter:
    """Reports one session after the other.

    Args:
        login: its account.
        pause_s: between two reports, s.
    """

    def __init__(self, login: Login, *, pause_s: float = PAUSE_S) -> None:
        self.account = login.username
        self.accepted: dict[str, float] = {}
        self._client = Client(
            login, Session(on_connected=lambda _is_known: self._is_new_connection.set())
        )
        self._pause_s = pause_s
        self._n_made = 0
        self._outbox: deque[str] = deque()
        self._sent: deque[tuple[str, Future[Outcome]]] = deque()
        self._is_new_connection = threading.Event()
        self._is_paused = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reporter")

    def __enter__(self) -> Self:
        """It reports from now on."""
        self._client.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing more is sent."""
        self._stopping.set()
        self._thread.join()
        self._client.stop()

    @contextmanager
    def pausing(self) -> Iterator[set[str]]:
        """Within, nothing new is reported, and all that was is accepted: these."""
        self._is_paused.set()
        wait_until(lambda: not self._outbox and not self._sent, within_s=WITHIN_S)
        yield set(self.accepted)
        self._is_paused.clear()

    def _run(self) -> None:
        while not self._stopping.wait(self._pause_s):
            self._settle()
            if self._is_new_connection.is_set():
                self._is_new_connection.clear()
                self._outbox.extend(self._recently_accepted())
            if not self._is_paused.is_set():
                self._outbox.append(f"{self.account}-{self._n_made}")
                self._n_made += 1
            while self._outbox and len(self._sent) < WINDOW and self._client.is_connected:
                self._send(self._outbox[0])
                self._outbox.popleft()

    def _send(self, name: str) -> None:
        sent = self._client.publish(topics.sessions(self.account), payload_of(name))
        self._sent.append((name, sent))

    def _settle(self) -> None:
        """What the broker accepted is so; what it did not is sent again."""
        for _ in range(len(self._sent)):
            name, sent = self._sent[0]
            if not sent.done():
                self._sent.rotate(-1)
            elif sent.result().is_accepted:
                self.accepted[name] = time.monotonic()
                self._sent.popleft()
            else:
                self._outbox.append(name)
                self._sent.popleft()

    def _recently_accepted(self) -> list[str]:
        last_at = max(self.accepted.values(), default=0.0)
        return [name for name, at in self.accepted.items() if at > last_at - KEPT_S]
