"""What the broker keeps on a few topics, looked at once.

What lives here: looking. What does not: what it means.
"""

import queue
import time
from collections.abc import Sequence
from typing import Final

from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.handshake import log_in
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.messages import Message
from ev_pipeline.messaging.session import Session

CONNECT_WITHIN_S: Final = 10.0
"""s; a broker that is up answers in milliseconds."""

KEPT_WITHIN_S: Final = 2.0
"""s; what the broker keeps comes with the subscription, and nothing says that there is no more."""


def read_retained(login: Login, topics: Sequence[str]) -> dict[str, bytes]:
    """What is kept on each of the topics; those on which nothing is are left out.

    Raises:
        PipelineError: the broker cannot be reached.
    """
    log_in(login).close()  # what is wrong is said at once: a client would try again
    heard: queue.SimpleQueue[Message] = queue.SimpleQueue()
    kept: dict[str, bytes] = {}
    with Client(login, Session(topics=topics, on_message=heard.put)) as client:
        client.wait_connected(CONNECT_WITHIN_S)
        deadline_s = time.monotonic() + KEPT_WITHIN_S
        while len(kept) < len(topics) and (left_s := deadline_s - time.monotonic()) > 0:
            try:
                message = heard.get(timeout=left_s)
            except queue.Empty:
                break
            kept[message.topic] = message.payload
    return kept
