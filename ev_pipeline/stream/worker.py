"""The one loop: take what has arrived, commit it, acknowledge it, have told what changed.

What lives here: the order of these. What does not: decoding (`reading`), storing (`persistence`),
and telling of it (`teller`).
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.messages import Message
from ev_pipeline.panels.envelope import encode
from ev_pipeline.stream.log import FIELDS
from ev_pipeline.stream.metrics import Metrics
from ev_pipeline.stream.persistence import Persistence
from ev_pipeline.stream.reading import Read, Reader, unbound
from ev_pipeline.stream.rejections import logged, rejection_of
from ev_pipeline.stream.storing import Fate

_LOG: Final = logging.getLogger(__name__)


class Worker:
    """Sessions from the broker to the database, one batch after the other.

    Args:
        reader: what the network's thread has received, batch by batch.
        client: the connection that they came by.
        telling: the connection by which senders hear what was refused.
        persistence: where they are stored.
        note_change: hears of each batch that is stored.
        metrics: what is measured.
    """

    def __init__(
        self,
        reader: Reader,
        client: Client,
        telling: Client,
        persistence: Persistence,
        note_change: Callable[[], None],
        metrics: Metrics,
    ) -> None:
        self._reader = reader
        self._client = client
        self._telling = telling
        self._persistence = persistence
        self._note_change = note_change
        self._metrics = metrics

    def run(self) -> None:
        """Work until the inbox is closed and empty, or it is to stop and the database is away."""
        while batch := self._reader.next():
            taken = batch.messages
            self._metrics.took(taken, waiting=batch.n_waiting, at_s=batch.taken_at_s)
            fates = self._store(batch)
            if fates is None:
                _LOG.warning("stopping with the database away: the broker keeps what is not stored")
                return
            self._acknowledge(taken)
            self._tell(taken, fates)

    def _store(self, batch: Read) -> list[Fate] | None:
        """Every message's records are committed; null where that has to be left to the broker."""
        fates: list[Fate] = []
        for place, why in batch.refused.items():
            refused = self._persistence.refuse(unbound(batch.messages[place]), why)
            if refused is None:
                return None
            fates.extend(Fate(place, fate.outcome) for fate in refused)
        if not batch.readable:
            return fates
        stored = self._persistence.store(batch.readable, batch.groups)
        if stored is None:
            return None
        return fates + [Fate(batch.places[fate.message], fate.outcome) for fate in stored]

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
