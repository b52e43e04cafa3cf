"""Labels asked for in a message: from the question to the bytes of its answer.

What lives here: the account's binding, and errors as answers. What does not: labels
(`intake.prediction`), and how questions come and answers go (`responder`).
"""

import logging
from typing import Any, Final

import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.intake.prediction import PredictionError, predict
from ev_pipeline.messaging.messages import Message
from ev_pipeline.panels.envelope import encode
from ev_pipeline.settings import Settings
from ev_pipeline.storage.faults import is_infrastructure_fault
from ev_pipeline.stream.bindings import Bindings
from ev_pipeline.stream.champion import Champion
from ev_pipeline.stream.worker import as_delivered

_LOG: Final = logging.getLogger(__name__)


class Predicting:
    """Answers to what sessions would be labelled.

    Args:
        engine: the database.
        settings: limits, zones and the default operator.
        bindings: how each account's messages are read.
        champion: what labels.
    """

    def __init__(
        self, engine: sa.Engine, settings: Settings, bindings: Bindings, champion: Champion
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._bindings = bindings
        self._champion = champion

    def answer(self, question: Message) -> bytes:
        """The labels that the question asks for, or what is wrong with it.

        A database that is away is no answer: its error is raised, and the question can be asked
        again.
        """
        return encode(self._answer(question))

    def _answer(self, question: Message) -> dict[str, Any]:
        try:
            delivered = as_delivered(question, self._bindings.of)
            return predict(self._engine, self._settings, delivered, self._champion.for_transaction)
        except PredictionError as error:
            _LOG.warning("a question is not answered: %s", error)
            return _error(error.code, error)
        except PipelineError as error:
            if is_infrastructure_fault(error):
                raise
            _LOG.warning("a question is not answered: %s", error)
            return _error("not_ready", error)


def _error(code: str, error: PipelineError) -> dict[str, Any]:
    return {"error": {"code": code, "message": str(error)}}
