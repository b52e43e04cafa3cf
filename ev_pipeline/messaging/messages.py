"""What comes and goes over a connection, and what becomes of it.

What lives here: a received message, and the broker's word on a sent one. What does not: payloads'
meaning, or any connection (`client`).
"""

from dataclasses import dataclass, field
from typing import Final

NOBODY_SUBSCRIBED: Final = 0x10
"""The broker took it and kept it for nobody: a session sent so is lost."""

NOT_AUTHORISED: Final = 0x87
"""The account may not write there."""

TOO_LARGE: Final = 0x95
"""Larger than the broker takes."""

FIRST_FAILURE: Final = 0x80
"""Reason codes from here on are refusals."""


@dataclass(frozen=True, slots=True)
class Message:
    """One received message.

    Args:
        topic: where it was published.
        payload: what it holds.
        received_at_s: when it came in, Unix time, s.
        generation: which connection it came by.
        packet_id: its number on that connection, by which it is acknowledged; 0 for one that
            needs none.
        is_redelivered: whether the broker says that it sent it before.
        is_retained: whether it was kept for whoever subscribes, and is older than the subscription.
        response_topic: where an answer is expected; null where none is.
        correlation: what an answer must carry; null where nothing.
        properties: the sender's own properties, the last of each name.
    """

    topic: str
    payload: bytes
    received_at_s: float
    generation: int
    packet_id: int
    is_redelivered: bool = False
    is_retained: bool = False
    response_topic: str | None = None
    correlation: bytes | None = None
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the broker said of a published message.

    Args:
        reason_code: MQTT 5's; null where the connection was closed before it said anything.
        generation: which connection brought it, as for messages; 0 where none did.
    """

    reason_code: int | None
    generation: int = 0

    @property
    def is_taken(self) -> bool:
        """Whether the broker took it: all that a retained message needs."""
        return self.reason_code is not None and self.reason_code < FIRST_FAILURE

    @property
    def is_accepted(self) -> bool:
        """Whether it is on its way to a subscriber, so that its sender need not keep it."""
        return self.is_taken and self.reason_code != NOBODY_SUBSCRIBED

    @property
    def is_refused(self) -> bool:
        """Whether sending it again would change nothing."""
        return self.reason_code in {NOT_AUTHORISED, TOO_LARGE}
