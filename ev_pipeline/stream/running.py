"""The worker put together: its connections and threads, and the order of start and stop.

What lives here: what is made of what. What does not: any of the parts.
"""

import gc
import logging
import os
import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging import broker_figures, topics
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.durable import DURABLE_TOPICS, client_id
from ev_pipeline.messaging.handshake import log_in
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.messages import Message
from ev_pipeline.messaging.session import DURABLE_S, Session, Will
from ev_pipeline.panels.envelope import encode
from ev_pipeline.panels.period_request import answer_request
from ev_pipeline.panels.state_panels import StreamState
from ev_pipeline.settings import Settings
from ev_pipeline.stream.bindings import Bindings
from ev_pipeline.stream.broker_figures import BrokerFigures
from ev_pipeline.stream.champion import Ahead, Champion
from ev_pipeline.stream.inbox import Inbox
from ev_pipeline.stream.lineage import HOME_VARIABLE, Lineage
from ev_pipeline.stream.metrics import Metrics
from ev_pipeline.stream.persistence import Persistence
from ev_pipeline.stream.predicting import Predicting
from ev_pipeline.stream.responder import Responder
from ev_pipeline.stream.storing import Storing
from ev_pipeline.stream.teller import DRAIN_WITHIN_S, Teller
from ev_pipeline.stream.telling import TellerProcess
from ev_pipeline.stream.unforeseen import Unforeseen
from ev_pipeline.stream.worker import Worker, as_delivered, unbound

CONNECT_WITHIN_S: Final = 30.0
"""s; a broker that does not accept the worker by then is an error that a person should see."""

_LOG: Final = logging.getLogger(__name__)


class Stream:
    """The running worker.

    Two connections beside the teller's: a durable one that receives sessions and nothing else, and
    one for answers, rejections and presence, so that neither ever waits for the other.

    Args:
        engine: the database, its schema up to date.
        settings: everything else.
        is_told_apart: whether a process of its own tells of changes, so that nothing is stored
            later because of it; else threads of this one do.
    """

    def __init__(self, engine: sa.Engine, settings: Settings, *, is_told_apart: bool) -> None:
        self._settings = settings
        self._stopping = threading.Event()
        self._is_up = threading.Event()
        self._started_at = datetime.now(UTC)
        self._login = login = Login.from_settings(settings)
        self._metrics = Metrics()
        self._figures = BrokerFigures(settings, self._metrics, self._alert)
        self._inbox = Inbox()
        self._receiving = Client(
            login,
            Session(
                client_id=client_id(settings),
                topics=DURABLE_TOPICS,
                on_message=self._inbox.put,
                expiry_s=DURABLE_S,
            ),
        )
        self._telling = Client(
            login,
            Session(
                topics=(
                    *(topics.EVERY_PERIOD_REQUEST, topics.EVERY_PREDICT_REQUEST),
                    *broker_figures.FIGURES,
                ),
                on_message=self._hear,
                on_connected=lambda _generation: self._say_status("online"),
                will=Will(topics.STATUS, encode({"state": "offline"})),
            ),
        )
        self._bindings = Bindings(settings.home)
        self._champion = Champion(engine, self._on_champion)
        self._storing = Storing(engine, settings, self._champion)
        self._persistence = Persistence(
            self._storing,
            settings,
            wait=lambda seconds: not self._stopping.wait(seconds),
            on_fault=self._metrics.faults.labels("postgres").inc,
        )
        self._teller = (
            TellerProcess(settings, self._state, self.stop)
            if is_told_apart
            else Teller(engine, settings, self._state)
        )
        predicting = Predicting(engine, settings, self._bindings, self._champion)
        self._responder = Responder(
            self._telling,
            {
                "ev/dashboard/": lambda question: answer_request(
                    engine, settings, question.payload
                ),
                "ev/predict/": predicting.answer,
            },
            self._refuse,
        )
        self._worker = Worker(
            self._inbox,
            self._receiving,
            self._telling,
            self._bindings,
            self._persistence,
            self._teller.note_change,
            self._metrics,
        )

    @property
    def is_up(self) -> bool:
        """Whether it takes sessions."""
        return self._is_up.is_set()

    def stop(self) -> None:
        """Store what was taken, then end; any thread may ask."""
        self._stopping.set()
        self._inbox.close()

    def run(self) -> None:
        """Work until `stop`.

        Raises:
            PipelineError: the broker does not accept the worker, or the port of the metrics is
                taken, or one of its threads met an error that nobody foresaw, or its teller ended.
        """
        with Unforeseen(self.stop) as unforeseen:
            self._run()
        unforeseen.raise_first()

    def _run(self) -> None:
        with ExitStack() as parts:
            host = str(self._settings.metrics_listen)
            parts.enter_context(self._metrics.page(host, self._settings.metrics_port))
            log_in(self._login).close()  # what is wrong is said at once: a client would try again
            parts.enter_context(self._telling)
            self._telling.wait_connected(CONNECT_WITHIN_S)
            parts.callback(self._telling.drain, DRAIN_WITHIN_S)
            parts.callback(self._say_status, "offline")
            parts.enter_context(self._responder)
            parts.enter_context(self._teller)
            parts.enter_context(Ahead(self._champion))
            if HOME_VARIABLE in os.environ:
                parts.enter_context(Lineage(self._metrics.registry, lambda: self._champion.version))
            self._storing.rehearse()
            gc.freeze()  # to look through all that is there by now takes longer than a batch
            parts.enter_context(self._receiving)
            self._receiving.wait_connected(CONNECT_WITHIN_S)
            self._teller.note_change()
            self._is_up.set()
            self._metrics.up.set_function(lambda: float(self._receiving.is_connected))
            _LOG.info("the stream is up: sessions are taken from %s", topics.EVERY_SESSION)
            self._worker.run()

    def _hear(self, message: Message) -> None:
        if message.topic in broker_figures.FIGURES:
            self._figures.hear(message)
            self._telling.acknowledge(message)
        else:
            self._responder.hear(message)

    def _state(self) -> StreamState:
        return StreamState(
            in_flight=self._metrics.in_flight_messages,
            redelivered=self._metrics.redelivered,
            queue_depth=self._figures.queue_depth,
            lag_seconds=self._metrics.lag_s,
        )

    def _on_champion(self, version: str | None) -> None:
        self._metrics.shows_champion(version, self._champion.trained_at)
        self._say_status("online")

    def _refuse(self, question: Message, why: str) -> None:
        try:
            delivered = as_delivered(question, self._bindings.of)
        except PipelineError:
            delivered = unbound(question)
        self._persistence.refuse(delivered, why)
        self._teller.note_change()

    def _alert(self, code: str, message: str, detail: dict[str, Any]) -> None:
        now = datetime.now(UTC)
        document = {"at": now, "source": "stream", "code": code, "message": message, **detail}
        self._telling.publish(topics.ALERTS, encode(document))

    def _say_status(self, state: str) -> None:
        document = {
            "state": state,
            "since": self._started_at if state == "online" else datetime.now(UTC),
            "pid": os.getpid(),
            "model_version": self._champion.version,
        }
        self._telling.publish(topics.STATUS, encode(document), is_retained=True)
