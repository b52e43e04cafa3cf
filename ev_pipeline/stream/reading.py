"""Messages as the records that they hold; a full batch's, while the one before it is stored.

What lives here: taking messages and having them decoded. What does not: decoding
(`sources.payloads`), and storing (`worker`).
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

import polars as pl

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.messages import Message
from ev_pipeline.sources.payloads.messages import (
    UNBOUND,
    Binding,
    DecodedRecords,
    decode_messages,
)
from ev_pipeline.sources.payloads.messages import Message as Delivered
from ev_pipeline.stream.bindings import Bindings
from ev_pipeline.stream.inbox import MAX_MESSAGES, Inbox


@dataclass(frozen=True, slots=True)
class Read:
    """Messages, and what they hold.

    Args:
        messages: as they came.
        refused: why some of them are not read at all, by place: what their account is bound to
            cannot be used.
        places: places of the others.
        readable: the others, as decoders want them.
        groups: the records of those; null where one of them cannot be decoded beside the others.
        n_waiting: messages that had come by then and are of no earlier batch.
        taken_at_s: when it was its turn, by `time.perf_counter`, s.
    """

    messages: Sequence[Message]
    refused: Mapping[int, str]
    places: Sequence[int]
    readable: Sequence[Delivered]
    groups: Sequence[DecodedRecords] | None
    n_waiting: int = 0
    taken_at_s: float = 0


class Reader:
    """Batches in the order in which their messages came.

    While more comes than is stored, each batch is full. Then the next one is decoded as soon as it
    is full, by a thread of its own, for whoever stores waits for the database half of the time. A
    batch that is not full is never taken before it is asked for, since it would be smaller then.
    One that is full by its bytes is not either: large messages come few at a time.

    Args:
        inbox: where messages wait.
        bindings: how each account's are read.
        default_scope: the operator of records for which neither account nor mapping names one.
    """

    def __init__(self, inbox: Inbox, bindings: Bindings, default_scope: str) -> None:
        self._inbox = inbox
        self._bindings = bindings
        self._default_scope = default_scope
        self._decoder = ThreadPoolExecutor(1, thread_name_prefix="decoder")
        self._ahead: Future[Read | None] | None = None
        self._is_asked = threading.Event()

    def __enter__(self) -> Self:
        """Batches can be taken."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is decoded any more; what was and nobody took is left to the broker."""
        self._ask()
        self._decoder.shutdown()

    def next(self) -> Read | None:
        """Wait for messages, and take them; null once the inbox is closed and empty."""
        read, taken_at_s = self._await_ahead(), time.perf_counter()
        if read is None:
            taken, taken_at_s = self._inbox.take(), time.perf_counter()
            if not taken:
                return None
            read = self._read(taken)
        read = replace(read, n_waiting=len(self._inbox), taken_at_s=taken_at_s)
        if len(read.messages) == MAX_MESSAGES:
            self._is_asked.clear()
            self._ahead = self._decoder.submit(self._read_full)
        return read

    def _await_ahead(self) -> Read | None:
        """What was read ahead; null where there was no full batch."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return None
        self._ask()
        return ahead.result()

    def _ask(self) -> None:
        self._is_asked.set()
        self._inbox.wake()

    def _read_full(self) -> Read | None:
        taken = self._inbox.take_full(self._is_asked)
        return self._read(taken) if taken else None

    def _read(self, taken: Sequence[Message]) -> Read:
        refused: dict[int, str] = {}
        places: list[int] = []
        readable: list[Delivered] = []
        binding_of = self._bindings.for_batch()
        for place, message in enumerate(taken):
            try:
                readable.append(as_delivered(message, binding_of))
                places.append(place)
            except PipelineError as error:
                refused[place] = str(error)
        try:
            groups = decode_messages(readable, default_scope=self._default_scope)
        except (pl.exceptions.PolarsError, ValueError):
            return Read(taken, refused, places, readable, None)
        return Read(taken, refused, places, readable, groups)


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
