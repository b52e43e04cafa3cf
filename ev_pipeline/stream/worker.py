"""The one loop: take what has arrived, commit it, acknowledge it, have told what changed.

What lives here: the order of these. What does not: storing (`persistence`), and telling of it
(`teller`).
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.messages import Message
from ev_pipeline.panels.envelope import encode
from ev_pipeline.sources.payloads.messages import UNBOUND, Binding
from ev_pipeline.sources.payloads.messages import Message as Delivered
from ev_pipeline.stream.bindings import Bindings
from ev_pipeline.stream.inbox import Inbox
from ev_pipeline.stream.log import FIELDS
from ev_pipeline.stream.metrics import Metrics
from ev_pipeline.stream.persistence import Persistence
from ev_pipeline.stream.rejections import logged, rejection_of
from ev_pipeline.stream.storing import Fate

_LOG: Final = logging.getLogger(__name__)


class Worker:
    """Sessions from the broker to the database, one batch after the other.

    Args:
        inbox: where the network's thread puts messages.
        client: the connection that they came by.
        telling: the connection by which senders hear what was refused.
        bindings: how each account's messages are read.
        persistence: where they are stored.
        note_change: hears of each batch that is stored.
        metrics: what is measured.
    """

    def __init__(
        self,
        inbox: Inbox,
        client: Client,
        telling: Client,
        bindings: Bindings,
        persistence: Persistence,
        note_change: Callable[[], None],
        metrics: Metrics,
    ) -> None:
        self._inbox = inbox
        self._client = client
        self._telling = telling
        self._bindings = bindings
        self._persistence = persistence
        self._note_change = note_change
        self._metrics = metrics

    def run(self) -> None:
        """Work until the inbox is closed and empty, or it is to stop and the database is away."""
        while taken := self._inbox.take():
            self._metrics.took(taken, waiting=len(self._inbox))
            fates = self._store(taken)
            if fates is None:
                _LOG.warning("stopping with the database away: the broker keeps what is not stored")
                return
            self._acknowledge(taken)
            self._tell(taken, fates)

    def _store(self, taken: Sequence[Message]) -> list[Fate] | None:
        """Every message's records are committed; null where that has to be left to the broker."""
        readable: list[Delivered] = []
        places: list[int] = []
        fates: list[Fate] = []
        binding_of = self._bindings.for_batch()
        for place, message in enumerate(taken):
            try:
                readable.append(as_delivered(message, binding_of))
                places.append(place)
            except PipelineError as error:
                refused = self._persistence.refuse(unbound(message), str(error))
                if refused is None:
                    return None
                fates.extend(Fate(place, fate.outcome) for fate in refused)
        stored = self._persistence.store(readable) if readable else []
        if stored is None:
            return None
        return fates + [Fate(places[fate.message], fate.outcome) for fate in stored]

    def _acknowledge(self, taken: Sequence[Message]) -> None:
        self._client.acknowledge(*taken)
        self._metrics.stored(taken, time.time())

    def _tell(self, taken: Sequence[Message], fates: Sequence[Fate]) -> None:
        self._metrics.decided([fate.outcome for fate in fates])
        for fate in fates:
            if fate.outcome.decision == "quarantined":
                message = taken[fate.message]
                account = topics.account_of(message.topic)
                rejection = rejection_of(message, fate.outcome)
                _LOG.warning("a record was refused", extra={FIELDS: logged(account, rejection)})
                self._telling.publish(topics.rejections(account), encode(rejection))
        self._note_change()


def as_delivered(message: Message, binding_of: Callable[[str], Binding]) -> Delivered:
    """The message as decoders want it, by what its account is bound to.

    Raises:
        PipelineError: what its account is bound to cannot be used.
    """
    return unbound(message, binding_of(topics.account_of(message.topic)))


def unbound(message: Message, binding: Binding = UNBOUND) -> Delivered:
    """The same of an account that is bound to nothing, or to what cannot be used."""
    return Delivered(
        payload=message.payload,
        account=topics.account_of(message.topic),
        received_at=datetime.fromtimestamp(message.received_at_s, UTC),
        binding=binding,
        message_id=message.properties.get("message_id"),
    )
