"""The broker's queue as the worker hears it: shown as metrics, and told where it calls for it.

What lives here: hearing the figures. What does not: what they mean (`messaging.broker_figures`).
"""

import logging
from collections.abc import Callable
from typing import Any, Final

from ev_pipeline.messaging.broker_figures import Queue, Told
from ev_pipeline.messaging.messages import Message
from ev_pipeline.settings import Settings
from ev_pipeline.stream.metrics import Metrics

_LOG: Final = logging.getLogger(__name__)


class BrokerFigures:
    """The broker's queue, as last heard.

    A worker that starts tells of whatever the broker has dropped since that one started: it may
    have been nobody's to tell while there was no worker.

    Args:
        settings: the queue's limits.
        metrics: where the figures are shown.
        alert: publishes an alert: its code, a sentence, and its figures.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        alert: Callable[[str, str, dict[str, Any]], None],
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._alert = alert
        self._said: dict[str, bytes] = {}
        self._told = Told()

    @property
    def queue_depth(self) -> int | None:
        """Messages that the broker holds for subscribers; null before it said so."""
        return Queue.from_said(self._said).messages

    def hear(self, message: Message) -> None:
        """The broker has said a figure."""
        self._said[message.topic] = message.payload
        queue = Queue.from_said(self._said)
        self._metrics.shows_queue(queue, self._settings)
        alerts, self._told = self._told.alerts(queue, self._settings)
        for alert in alerts:
            _LOG.error("%s", alert.message)
            self._alert(alert.code, alert.message, alert.detail)
