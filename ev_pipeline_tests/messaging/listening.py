"""A client that keeps what it hears, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from typing import Final

from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.messages import Message
from ev_pipeline.messaging.session import Session

WITHIN_S: Final = 20
"""By when a message must have come, s; one that comes at all comes in milliseconds."""


@dataclass
class Listener:
    """A connected client and what it received."""

    client: Client
    heard: SimpleQueue[Message] = field(default_factory=SimpleQueue)

    def next(self) -> Message:
        """The next message, acknowledged by nobody."""
        try:
            return self.heard.get(timeout=WITHIN_S)
        except Empty:
            raise AssertionError(f"nothing came within {WITHIN_S} s") from None

    def take(self) -> Message:
        """The next message, acknowledged."""
        message = self.next()
        assert self.client.acknowledge(message)
        return message

    def payloads_until(self, last: bytes) -> list[bytes]:
        """What came before the first message with the last payload."""
        payloads: list[bytes] = []
        while (payload := self.take().payload) != last:
            payloads.append(payload)
        return payloads


@contextmanager
def listening(login: Login, *topics: str, session: Session | None = None) -> Iterator[Listener]:
    """Within, the account is connected and hears the topics."""
    heard: SimpleQueue[Message] = SimpleQueue()
    described = replace(session or Session(), topics=topics, on_message=heard.put)
    with Client(login, described) as client:
        client.wait_connected(WITHIN_S)
        yield Listener(client, heard)
