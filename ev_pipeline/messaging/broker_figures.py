"""What the broker tells of its queue: how full it is, what it has dropped, and who should know.

Mosquitto acknowledges what it drops, so nobody else would say so. What lives here: the figures of
its `$SYS` topics, and the decision whether they call for an alert. What does not: who reads them
(the worker, and a sensor while it is away), and publishing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from ev_pipeline.settings import Settings

STORED: Final = "$SYS/broker/store/messages/count"
STORED_BYTES: Final = "$SYS/broker/store/messages/bytes"
RETAINED: Final = "$SYS/broker/retained messages/count"
DROPPED: Final = "$SYS/broker/publish/messages/dropped"
FIGURES: Final = (STORED, STORED_BYTES, RETAINED, DROPPED)
"""The broker publishes each, retained, within a second of a change (its `sys_interval`)."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that somebody should know.

    Args:
        code: what it is, for programs.
        message: what it is, for people.
        detail: its figures.
    """

    code: str
    message: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Queue:
    """The broker's queue.

    Args:
        messages: how many the broker holds for subscribers; null before it said so.
        size_bytes: their payloads and those of retained messages, bytes; null before it said so.
        dropped: how many it has dropped since it started; null before it said so.
    """

    messages: int | None = None
    size_bytes: int | None = None
    dropped: int | None = None

    @classmethod
    def from_said(cls, said: Mapping[str, bytes]) -> Self:
        """The queue, by the newest payload of each of `FIGURES` that came."""
        known = {topic: int(text) for topic, text in said.items() if text.isdigit()}
        waiting = None
        if STORED in known and RETAINED in known:
            waiting = max(0, known[STORED] - known[RETAINED])
        return cls(waiting, known.get(STORED_BYTES), known.get(DROPPED))

    def is_half_full(self, settings: Settings) -> bool:
        """Whether half of one of the limits is reached beyond which the broker drops."""
        return (self.messages or 0) >= settings.broker_queue_messages / 2 or (
            self.size_bytes or 0
        ) >= settings.broker_queue_bytes / 2


@dataclass(frozen=True, slots=True)
class Told:
    """What was alerted of a queue so far.

    Args:
        is_half_full: whether it was half full when it was last looked at.
        dropped: how many messages were dropped by then.
    """

    is_half_full: bool = False
    dropped: int = 0

    def alerts(self, queue: Queue, settings: Settings) -> tuple[list[Alert], Self]:
        """What is to be told now, and what is told then.

        Args:
            queue: the broker's queue.
            settings: its limits.
        """
        alerts = []
        dropped = self.dropped if queue.dropped is None else queue.dropped
        if dropped > self.dropped:
            text = f"the broker has dropped {dropped} messages since it started: a queue was full"
            alerts.append(
                Alert("broker_dropped", text, {"n": dropped - self.dropped, "n_ever": dropped})
            )
        is_half_full = queue.is_half_full(settings)
        if is_half_full and not self.is_half_full:
            alerts.append(_half_full(queue, settings))
        return alerts, type(self)(is_half_full, dropped)


def _half_full(queue: Queue, settings: Settings) -> Alert:
    limit, limit_bytes = settings.broker_queue_messages, settings.broker_queue_bytes
    text = (
        f"{queue.messages} messages of {queue.size_bytes} bytes wait at the broker, which drops "
        f"those beyond {limit} or {limit_bytes} bytes: start the worker, or see why it is slow"
    )
    detail = {
        "queue_depth": queue.messages,
        "queue_bytes": queue.size_bytes,
        "limit": limit,
        "limit_bytes": limit_bytes,
    }
    return Alert("queue_half_full", text, detail)
