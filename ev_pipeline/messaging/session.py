"""What a connection is for: its name at the broker, what it hears, what it leaves behind.

What lives here: the description. What does not: connecting (`client`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ev_pipeline.messaging.messages import Message

DURABLE_S: Final = 7 * 24 * 3600
"""How long the broker keeps a durable session for a client that is away, s; its own limit too."""


@dataclass(frozen=True)
class Will:
    """What the broker publishes, retained, when the client is gone without a word.

    Args:
        topic: where.
        payload: what.
    """

    topic: str
    payload: bytes


@dataclass(frozen=True, kw_only=True)
class Session:
    """What a connection is for.

    Args:
        client_id: the session's name at the broker; empty for one that ends with the connection.
        topics: what it subscribes to, on every connection.
        on_message: gets each message, on the network's thread: it hands over and returns.
        on_connected: called when each connection is ready, on the network's thread, with its
            generation. The first answers may have been heard before.
        expiry_s: how long the broker keeps the session without a connection, s.
        will: what is published when the client is gone without a word.
    """

    client_id: str = ""
    topics: Sequence[str] = ()
    on_message: Callable[[Message], None] = lambda _message: None
    on_connected: Callable[[int], None] = lambda _generation: None
    expiry_s: int = 0
    will: Will | None = None
