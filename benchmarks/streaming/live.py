"""From publishing a session to the panel that shows it, as a screen would see it.

What lives here: one session a second, and the wait for it on `ev/dashboard/live`. What does not:
from publishing to the commit (`loads`).
"""

import json
import random
import time
import uuid
from datetime import UTC, datetime, timedelta
from queue import Queue
from typing import Any, Final

import numpy as np

from benchmarks.streaming.stand import Stand
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.session import Session

_WITHIN_S: Final = 20.0
_STAY: Final = timedelta(hours=1)


def seconds_to_live(stand: Stand, charger: Login, n: int) -> np.ndarray[Any, Any]:
    """Seconds from publishing each of `n` sessions, about one a second, to the panel with it."""
    panels: Queue[tuple[float, bytes]] = Queue()
    screen = Session(
        topics=(topics.panel(topics.LIVE_PANEL),),
        on_message=lambda message: panels.put((message.received_at_s, message.payload)),
    )
    run = uuid.uuid4().hex[:8]
    with (
        Client(stand.broker.login("nodered"), screen) as listening,
        Client(charger, Session()) as publishing,
    ):
        listening.wait_connected(_WITHIN_S)
        publishing.wait_connected(_WITHIN_S)
        taken = []
        for number in range(n):
            # at no fixed distance from the worker's own seconds
            time.sleep(random.uniform(0.8, 1.2))  # noqa: S311 -- nobody guesses it
            name = f"live-{run}-{number}"
            payload = json.dumps(_session(name, number)).encode()
            began = time.time()
            publishing.publish(topics.sessions(charger.username), payload)
            taken.append(_shown_at(panels, name) - began)
    return np.array(taken)


def _session(name: str, number: int) -> dict[str, Any]:
    ended_at = datetime.now(UTC)
    return {
        "session_id": name,
        "station_id": f"live-{number % 50}",
        "connector_id": "1",
        "user_id": "U-1",
        "started_at": (ended_at - _STAY).isoformat(),
        "ended_at": ended_at.isoformat(),
        "energy_kwh": 7.5,
    }


def _shown_at(panels: "Queue[tuple[float, bytes]]", name: str) -> float:
    while True:
        at_s, payload = panels.get(timeout=_WITHIN_S)
        if any(row["source_session_id"] == name for row in json.loads(payload)["data"]):
            return at_s
