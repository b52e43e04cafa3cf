"""Questions that come by MQTT, and their answers.

What lives here: from a request to its answer's topic. What does not: what is answered
(`panels.period_request`, `intake.prediction`).
"""

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, Self

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.messages import Message
from ev_pipeline.panels.envelope import encode
from ev_pipeline.storage.faults import DATABASE_ERRORS, is_infrastructure_fault

MAX_WAITING: Final = 1_000
"""Questions that wait; whoever asks beyond is told to ask again."""

Answer = Callable[[Message], bytes]

_LOG: Final = logging.getLogger(__name__)


class Responder(AbstractContextManager["Responder"]):
    """A thread that answers questions, so that they never hold up a session.

    Args:
        client: the connection by which questions come and answers go.
        answers: who answers, by how the question's topic begins.
        refuse: keeps a question that may not be answered where it asks for it.
    """

    def __init__(
        self,
        client: Client,
        answers: dict[str, Answer],
        refuse: Callable[[Message, str], None],
    ) -> None:
        self._client = client
        self._answers = answers
        self._refuse = refuse
        self._waiting: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="responder")

    def __enter__(self) -> Self:
        """It answers from now on."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """What has been asked is answered; nothing is after that."""
        self._waiting.put(None)
        self._thread.join()

    def hear(self, message: Message) -> None:
        """A question has come, on the network's thread."""
        self._client.acknowledge(message)
        if self._waiting.qsize() < MAX_WAITING:
            self._waiting.put(message)
        elif _may_answer(message):
            self._send(message, _error("busy", "too many questions wait; ask again"))

    def _run(self) -> None:
        while (message := self._waiting.get()) is not None:
            try:
                self._respond(message)
            except (*DATABASE_ERRORS, PipelineError) as error:
                if not is_infrastructure_fault(error):
                    raise
                _LOG.warning("a question is not answered: %s", str(error).splitlines()[0])
                self._send(message, _error("unavailable", "the database is away; ask again"))

    def _respond(self, message: Message) -> None:
        if not _may_answer(message):
            account = topics.account_of(message.topic)
            self._refuse(
                message, f"a request needs a response topic under {topics.answers(account)[:-1]}"
            )
            return
        answer = next(
            answer for start, answer in self._answers.items() if message.topic.startswith(start)
        )
        self._send(message, answer(message))

    def _send(self, message: Message, payload: bytes) -> None:
        if message.response_topic is not None:
            self._client.publish(message.response_topic, payload, correlation=message.correlation)


def _may_answer(message: Message) -> bool:
    account = topics.account_of(message.topic)
    return message.response_topic is not None and topics.is_answer_of(
        message.response_topic, account
    )


def _error(code: str, text: str) -> bytes:
    return encode({"error": {"code": code, "message": text}})
