"""The worker's session at the broker: it is there before any charger, and outlives the worker.

What lives here: its name, what it hears, making it. What does not: the worker.
"""

from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.session import DURABLE_S, Session
from ev_pipeline.settings import Settings

DURABLE_TOPICS: Final = (topics.EVERY_SESSION,)
"""What is kept for the worker while it is away. Never the broker's own figures: they are published
whether or not somebody listens, and would fill the queue."""

CONNECT_WITHIN_S: Final = 20
"""By when a broker that has just answered a probe has accepted the session too, s."""


def client_id(settings: Settings) -> str:
    """The name of the worker's session, which is a secret.

    The broker hands a session to whoever names it, whatever their account, and drops from its queue
    what the newcomer may not read.

    Raises:
        PipelineError: the settings name none.
    """
    if settings.mqtt_client_id is None:
        raise PipelineError(
            "the worker's session at the broker has no name",
            mend="take EV_MQTT_CLIENT_ID from credentials/stream.env",
        )
    return settings.mqtt_client_id


def establish(login: Login, name: str) -> None:
    """From now on the broker keeps every session that is reported for the worker.

    Args:
        login: the worker's account.
        name: the session's; nobody may be connected by it.

    Raises:
        PipelineError: the broker did not accept it.
    """
    session = Session(client_id=name, topics=DURABLE_TOPICS, expiry_s=DURABLE_S)
    with Client(login, session) as client:
        client.wait_connected(CONNECT_WITHIN_S)
