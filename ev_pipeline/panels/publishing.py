"""The publishing op's round: its panels at the broker, retained, and the worker's while it is away.

What lives here: which panels are due, and that the broker has them. What does not: building them
(`rounds`), and the worker's own publishing (`stream`).
"""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import wait
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.messages import Message
from ev_pipeline.messaging.session import Session
from ev_pipeline.panels.envelope import encode
from ev_pipeline.panels.rounds import build_round
from ev_pipeline.settings import Settings

CONNECT_WITHIN_S: Final = 10.0
"""s; a broker that is up answers in milliseconds."""

TAKEN_WITHIN_S: Final = 30.0
"""s; thirteen panels are some hundred kilobytes."""

_WORKERS: Final = tuple(name for name in topics.STREAM_PANELS if name != topics.LIVE_PANEL)


@dataclass(frozen=True, slots=True)
class Published:
    """What was published.

    Args:
        n_bytes: size of each panel, by its name.
        is_worker_online: whether the worker publishes its own.
    """

    n_bytes: dict[str, int]
    is_worker_online: bool


def publish_round(
    engine: sa.Engine, settings: Settings, login: Login, *, generated_at: datetime
) -> Published:
    """The broker keeps the op's panels, and the worker's where the worker is offline.

    Args:
        engine: the database.
        settings: the reporting zone and currency.
        login: the account that may publish them.
        generated_at: the time that the panels carry, with a zone.

    Raises:
        PipelineError: the broker cannot be reached, or takes a panel not.
    """
    presence = _Presence()
    session = Session(topics=(topics.STATUS,), on_message=presence.hear)
    with Client(login, session) as client:
        client.wait_connected(CONNECT_WITHIN_S)
        own = build_round(engine, settings, topics.OPERATION_PANELS, generated_at=generated_at)
        sizes = _send(client, login, own)
        # Its retained status came before the answers to what was sent after subscribing.
        if not presence.is_online:
            others = build_round(engine, settings, _WORKERS, generated_at=generated_at)
            sizes |= _send(client, login, others)
    return Published(sizes, presence.is_online)


class _Presence:
    """What the worker last said of itself: nothing, as long as nothing was heard."""

    def __init__(self) -> None:
        self.is_online = False

    def hear(self, message: Message) -> None:
        """The worker's status came, on the network's thread."""
        self.is_online = _says_online(message.payload)


def _says_online(payload: bytes) -> bool:
    try:
        status = json.loads(payload)
    except ValueError:
        return False
    return isinstance(status, Mapping) and status.get("state") == "online"


def _send(client: Client, login: Login, panels: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """The broker has the panels; returns their sizes."""
    payloads = {name: encode(document) for name, document in panels.items()}
    outcomes = {
        name: client.publish(topics.panel(name), payload, is_retained=True)
        for name, payload in payloads.items()
    }
    wait(outcomes.values(), timeout=TAKEN_WITHIN_S)
    _require(
        (name for name, sent in outcomes.items() if not (sent.done() and sent.result().is_taken)),
        login,
    )
    return {name: len(payload) for name, payload in payloads.items()}


def _require(missing: Iterable[str], login: Login) -> None:
    names = ", ".join(missing)
    if names:
        raise PipelineError(
            f"the broker did not take the panels {names}",
            mend=f"see logs/mosquitto.log, and whether the account {login.username} may write them",
            where=login.address,
        )
