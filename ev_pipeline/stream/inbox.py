"""What has arrived and is not stored yet, between the network's thread and the worker's.

What lives here: waiting for messages and taking them. What does not: any message's meaning.
"""

import threading
from collections import deque
from collections.abc import Iterator
from typing import Final

from ev_pipeline.messaging.messages import Message

MAX_MESSAGES: Final = 2_500
"""Messages of one transaction: half of what the broker sends without an answer, so that the other
half comes meanwhile. A transaction costs as much as some 400 messages, whatever it holds."""

MAX_BYTES: Final = 8 << 20
"""Bytes of one transaction's messages, which bound the memory that decoding takes."""

LOOK_S: Final = 1.0
"""How often it is looked whether it was closed, s: `close` may come from within a wait that is just
beginning, which then does not hear it."""


class Inbox:
    """Messages in the order in which they came.

    The broker sends no more than a connection may have unacknowledged, so this is bounded by it.
    """

    def __init__(self) -> None:
        self._waiting: deque[Message] = deque()
        self._changed = threading.Condition()
        self._is_closed = False

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._waiting)

    def put(self, message: Message) -> None:
        """The message waits; those of an earlier connection are gone, for they come again.

        Once it is closed it takes nothing more: what comes then is left to the broker, for under
        load it would never be empty.
        """
        with self._changed:
            if self._is_closed:
                return
            while self._waiting and self._waiting[0].generation < message.generation:
                self._waiting.popleft()
            self._waiting.append(message)
            self._changed.notify()

    def take(self) -> list[Message]:
        """Wait until something is here, and take it: there is no waiting for more.

        Returns:
            Messages, at least one; none once it is closed and empty.
        """
        with self._changed:
            while not self._waiting and not self._is_closed:
                self._changed.wait(LOOK_S)
            return list(self._bounded())

    def close(self) -> None:
        """Nothing more is taken in or waited for."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _bounded(self) -> Iterator[Message]:
        size = 0
        for _ in range(min(len(self._waiting), MAX_MESSAGES)):
            size += len(self._waiting[0].payload)
            yield self._waiting.popleft()
            if size >= MAX_BYTES:
                return
