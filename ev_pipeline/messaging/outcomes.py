"""Which published message is which, between the caller's thread and the network's.

What lives here: waiting for the broker's word on a packet id. What does not: sending.
"""

import threading
from concurrent.futures import Future

from ev_pipeline.messaging.messages import Outcome


class Outcomes:
    """The messages of one client that were published and not answered for.

    The answer can come before the sender has learnt the packet's id: then it waits here. The lock
    is held around neither sending nor telling, since the client has locks of its own there.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, Future[Outcome]] = {}
        self._early: dict[int, Outcome] = {}
        self._lock = threading.Lock()
        self._is_closed = False

    def expect(self, packet_id: int) -> Future[Outcome]:
        """What becomes of a packet that was sent just now."""
        future: Future[Outcome] = Future()
        with self._lock:
            outcome = Outcome(None) if self._is_closed else self._early.pop(packet_id, None)
            if outcome is None:
                self._waiting[packet_id] = future
        if outcome is not None:
            future.set_result(outcome)
        return future

    def settle(self, packet_id: int, outcome: Outcome) -> None:
        """The broker has answered for a packet."""
        with self._lock:
            future = self._waiting.pop(packet_id, None)
            if future is None:
                self._early[packet_id] = outcome
        if future is not None:
            future.set_result(outcome)

    def unanswered(self) -> list[Future[Outcome]]:
        """Those that the broker has not answered for."""
        with self._lock:
            return list(self._waiting.values())

    def close(self) -> None:
        """Nobody waits any more: what was not answered for has no reason code."""
        with self._lock:
            self._is_closed = True
            unanswered = list(self._waiting.values())
            self._waiting.clear()
        for future in unanswered:
            future.set_result(Outcome(None))


def known(outcome: Outcome) -> Future[Outcome]:
    """An outcome that nobody has to wait for."""
    future: Future[Outcome] = Future()
    future.set_result(outcome)
    return future
