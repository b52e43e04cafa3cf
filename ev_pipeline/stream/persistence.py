"""Messages are stored whatever happens: faults pass, and what cannot be stored is refused.

What lives here: trying again, and finding the message that cannot be stored among those that can.
What does not: the transaction (`storing`).
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

import polars as pl

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.sources.payloads.messages import (
    DecodedRecords,
    Message,
    decode_messages,
    refuse_message,
)
from ev_pipeline.storage.faults import DATABASE_ERRORS, is_infrastructure_fault
from ev_pipeline.stream.storing import Fate, Storing

LEAST_WAIT_S: Final = 0.1
GREATEST_WAIT_S: Final = 15.0
"""Waits for a database that is away double from the one to the other, s."""

_LOG: Final = logging.getLogger(__name__)


class Persistence:
    """Stores messages, however long it takes.

    Args:
        storing: where they go.
        settings: the default operator.
        wait: waits so many seconds; false once the worker is to stop.
        on_fault: hears of each time that the database is away.
    """

    def __init__(
        self,
        storing: Storing,
        settings: Settings,
        *,
        wait: Callable[[float], bool],
        on_fault: Callable[[], None],
    ) -> None:
        self._storing = storing
        self._default_scope = settings.operator
        self._wait = wait
        self._on_fault = on_fault

    def store(self, messages: Sequence[Message]) -> list[Fate] | None:
        """Every record of the messages is committed.

        Returns:
            What became of each; null where the worker is to stop and the database is away, so
            that the broker keeps them.
        """
        try:
            groups = decode_messages(messages, default_scope=self._default_scope)
        except (pl.exceptions.PolarsError, ValueError) as error:
            return self._apart(messages, error)
        fates: list[Fate] = []
        for group in groups:
            stored = self._store_group(group, messages)
            if stored is None:
                return None
            fates.extend(stored)
        return fates

    def refuse(self, message: Message, why: str) -> list[Fate] | None:
        """The message is in quarantine, whole, with this reason."""
        group = refuse_message(message, why, default_scope=self._default_scope)
        return self._until_stored(group)

    def _store_group(self, group: DecodedRecords, messages: Sequence[Message]) -> list[Fate] | None:
        try:
            return self._until_stored(group)
        except (*DATABASE_ERRORS, pl.exceptions.PolarsError, ValueError) as error:
            numbers = group.batch.frame["message"].unique(maintain_order=True).to_list()
            if len(numbers) == len(messages) == 1:
                return self._apart(messages, error)
            return self._some(numbers, messages)

    def _until_stored(self, group: DecodedRecords) -> list[Fate] | None:
        wait_s = LEAST_WAIT_S
        while True:
            try:
                return self._storing.store(group)
            except (*DATABASE_ERRORS, PipelineError) as error:
                if not is_infrastructure_fault(error):
                    raise
                _LOG.warning("the database is away: %s", str(error).splitlines()[0])
                self._on_fault()
                if not self._wait(wait_s):
                    return None
                wait_s = min(2 * wait_s, GREATEST_WAIT_S)

    def _some(self, numbers: list[int], messages: Sequence[Message]) -> list[Fate] | None:
        """Store messages of which one cannot be stored: half of them, then the other half."""
        halves = [numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]]
        fates: list[Fate] = []
        for half in filter(None, halves):
            chosen = [messages[number] for number in half]
            stored = self.store(chosen)
            if stored is None:
                return None
            fates.extend(Fate(half[fate.message], fate.outcome) for fate in stored)
        return fates

    def _apart(self, messages: Sequence[Message], error: Exception) -> list[Fate] | None:
        """Refuse one message that cannot be stored, or look for it among several."""
        if len(messages) > 1:
            return self._some(list(range(len(messages))), messages)
        _LOG.error("a message of %s cannot be stored: %s", messages[0].account, type(error))
        return self.refuse(messages[0], f"it cannot be stored ({type(error).__name__})")
