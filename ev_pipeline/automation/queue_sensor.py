"""What watches the broker's queue while the worker is away, and alerts before messages are dropped.

What lives here: the sensor. What does not: the decision (`messaging.broker_figures`), and watching
the queue while the worker is there, which it does itself.
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

import dagster as dg

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.broker_figures import FIGURES, Queue, Told
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.presence import says_online
from ev_pipeline.messaging.retained import read_retained
from ev_pipeline.panels.alerts import publish_alerts
from ev_pipeline.settings import Settings

INTERVAL_S: Final = 5
"""s; at the highest rate measured, half of the queue is ten seconds."""


def broker_queue_sensor(settings: Settings) -> dg.SensorDefinition:
    """Alert on `ev/alerts` while nobody else would; on as soon as it is loaded."""

    @dg.sensor(
        name="broker_queue_sensor",
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Alerts, while the stream is offline, when the broker's queue is half full.",
    )
    def watch(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        login = Login.from_settings(settings)
        try:
            kept = read_retained(login, (topics.STATUS, *FIGURES))
            if says_online(kept.get(topics.STATUS)):
                return dg.SkipReason("the stream is online, and watches the queue itself")
            queue = Queue.from_said(kept)
            told = Told(**json.loads(context.cursor)) if context.cursor else Told()
            alerts, told = told.alerts(queue, settings)
            if alerts:
                publish_alerts(login, alerts, at=datetime.now(UTC))
        except PipelineError as error:
            return dg.SkipReason(f"the broker cannot be reached: {error}")
        said = " and ".join(alert.message for alert in alerts) or f"{queue.messages} messages wait"
        return dg.SensorResult(
            skip_reason=f"the stream is offline; {said}", cursor=json.dumps(asdict(told))
        )

    return watch
