"""Alerts from whoever is no worker: on `ev/alerts`, for anyone who listens.

What lives here: that the broker has them. What does not: what is worth an alert, and the worker's
own (`stream`).
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.broker_figures import Alert
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.session import Session

WITHIN_S: Final = 10.0
"""s; a broker that is up answers in milliseconds."""


def publish_alerts(login: Login, alerts: Iterable[Alert], *, at: datetime) -> None:
    """The broker has the alerts.

    Args:
        login: an account that may write them.
        alerts: what somebody should know.
        at: when it was found, UTC.

    Raises:
        PipelineError: the broker cannot be reached.
    """
    with Client(login, Session()) as client:
        client.wait_connected(WITHIN_S)
        for alert in alerts:
            document = {
                "at": at.isoformat(),
                "source": "dagster",
                "code": alert.code,
                "message": alert.message,
                **alert.detail,
            }
            client.publish(topics.ALERTS, json.dumps(document).encode()).result(WITHIN_S)
