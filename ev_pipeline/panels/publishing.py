"""The publishing op's round: its panels at the broker, retained, and the worker's while it is away.

What lives here: which panels are due, and that the broker has them. What does not: building them
(`rounds`), and the worker's own publishing (`stream`).
"""

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
from ev_pipeline.messaging.presence import says_online
from ev_pipeline.messaging.retained import read_retained
from ev_pipeline.messaging.session import Session
from ev_pipeline.panels.drift_state import DriftState
from ev_pipeline.panels.envelope import encode
from ev_pipeline.panels.rounds import build_round
from ev_pipeline.settings import Settings
from ev_pipeline.storage.label_sums import fold_label_sums

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
    engine: sa.Engine,
    settings: Settings,
    login: Login,
    *,
    generated_at: datetime,
    drift: DriftState | None = None,
) -> Published:
    """The broker keeps the op's panels, and the worker's where the worker is offline.

    Args:
        engine: the database.
        settings: the reporting zone and currency.
        login: the account that may publish them.
        generated_at: the time that the panels carry, with a zone.
        drift: what the last drift report found; null where there is none.

    Raises:
        PipelineError: the broker cannot be reached, or takes a panel not.
    """
    is_online = says_online(read_retained(login, (topics.STATUS,)).get(topics.STATUS))
    with Client(login, Session()) as client:
        client.wait_connected(CONNECT_WITHIN_S)
        fold_label_sums(engine)
        own = build_round(
            engine, settings, topics.OPERATION_PANELS, generated_at=generated_at, drift=drift
        )
        sizes = _send(client, login, own)
        if not is_online:
            others = build_round(engine, settings, _WORKERS, generated_at=generated_at)
            sizes |= _send(client, login, others)
    return Published(sizes, is_online)


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
