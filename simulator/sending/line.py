"""One connection of an account, and what its broker has accepted and may yet forget.

A broker that is killed, or whose machine loses power, forgets what it accepted since it last wrote
to disk. So a message is held after its acceptance until the same connection has brought the answer
to something that was asked some seconds later: who answers that has written it. When the answer is
heard says nothing, since it may have waited here while broker and disk stood still; nor does the
order in which things are heard tell of which connection they are, so each carries its number.
What is held of a connection that is over is sent again; identity makes repeats harmless.

What lives here: holding and letting go. What does not: sending (`clients`).
"""

import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final

from ev_pipeline.messaging.client import Client
from simulator.sending.kept import Kept

HOLD_S: Final = 5.0
"""How long an accepted message is held, s: our broker writes every other second (its
`autosave_interval` of 1 counts whole ones), and takes part of a second to."""

ASK_EVERY_S: Final = 1.0
"""How often a broker with nothing to answer is asked whether it is there, s."""


@dataclass(slots=True)
class Line:
    """A connection, and what is held of what went over it.

    Args:
        client: the connection.
        hold_s: how long an accepted message is held, s.
    """

    client: Client
    hold_s: float
    _generation: int = 0
    _held: deque[tuple[float, Kept]] = field(default_factory=deque)
    _asked_at: float = 0.0

    def meet(self, generation: int) -> list[Kept]:
        """Something came over the connection with this number.

        Returns:
            What is held no more and to be sent again, since an earlier one had brought its word.
        """
        if generation <= self._generation:
            return []
        self._generation = generation
        doubtful = [message for _, message in self._held]
        self._held.clear()
        return doubtful

    def hold(self, message: Kept, generation: int) -> list[Kept]:
        """The broker has accepted the message; that connection brought its word.

        Returns:
            The message, if it is to be sent again: the connection was over before this was heard.
        """
        accepted = replace(message, is_accepted=True)
        if generation < self._generation:
            return [accepted]
        self._held.append((time.monotonic(), accepted))
        return []

    def safe(self, asked_at: float, generation: int) -> list[Kept]:
        """What is let go, since the broker has answered.

        Args:
            asked_at: when what it has answered was sent, on the monotonic clock, s.
            generation: over which connection the answer came.
        """
        safe: list[Kept] = []
        if generation != self._generation:
            return safe
        while self._held and self._held[0][0] + self.hold_s <= asked_at:
            safe.append(self._held.popleft()[1])
        return safe

    def is_to_ask(self) -> bool:
        """Whether something could be let go if only the broker said something; true now and then.

        A session an hour brings an answer an hour.
        """
        now = time.monotonic()
        is_due = bool(self._held) and self._held[0][0] + self.hold_s <= now
        if not is_due or now < self._asked_at + ASK_EVERY_S:
            return False
        self._asked_at = now
        return True
