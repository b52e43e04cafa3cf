"""What the broker says of its own queue, and when that is worth an alert.

What lives here: the figures of its `$SYS` topics. What does not: who reads them.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

from ev_pipeline.messaging.messages import Message
from ev_pipeline.stream.metrics import Metrics

STORED: Final = "$SYS/broker/store/messages/count"
RETAINED: Final = "$SYS/broker/retained messages/count"
DROPPED: Final = "$SYS/broker/publish/messages/dropped"
TOPICS: Final = (STORED, RETAINED, DROPPED)

QUEUE_LIMIT: Final = 200_000
"""Messages that the broker keeps for the worker (`max_queued_messages`); beyond, it drops them."""

_LOG: Final = logging.getLogger(__name__)


class BrokerFigures:
    """The broker's queue, as last heard.

    Args:
        metrics: where the figures are shown.
        alert: publishes an alert: its code, and a sentence.
    """

    def __init__(self, metrics: Metrics, alert: Callable[[str, str, dict[str, Any]], None]) -> None:
        self._metrics = metrics
        self._alert = alert
        self._figures: dict[str, int] = {}
        self._is_deep = False

    @property
    def queue_depth(self) -> int | None:
        """Messages that the broker holds for subscribers; null before it said so."""
        if STORED not in self._figures:
            return None
        return max(0, self._figures[STORED] - self._figures.get(RETAINED, 0))

    def hear(self, message: Message) -> None:
        """The broker has said a figure."""
        if not message.payload.isdigit():
            return
        before = self._figures.get(message.topic)
        self._figures[message.topic] = figure = int(message.payload)
        if message.topic == DROPPED:
            self._metrics.broker_dropped.set(figure)
            if before is not None and figure > before:
                lost = figure - before
                self._alert("broker_dropped", f"the broker dropped {lost} messages", {"n": lost})
        self._judge_depth()

    def _judge_depth(self) -> None:
        depth = self.queue_depth
        if depth is None:
            return
        self._metrics.queue_depth.set(depth)
        is_deep = depth > QUEUE_LIMIT // 2
        if is_deep and not self._is_deep:
            text = f"{depth} messages wait at the broker, which drops those beyond {QUEUE_LIMIT}"
            _LOG.error("%s", text)
            self._alert("queue_half_full", text, {"queue_depth": depth, "limit": QUEUE_LIMIT})
        self._is_deep = is_deep
