"""Messages in, decoded records out, grouped by the mapping that reads them.

What lives here: the order of the steps, and what a record keeps of its message.
What does not: parsing (`parsing`), telling shapes apart (`shapes`), decoding (`sources.decode`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import polars as pl

from ev_pipeline.sources.canonical_frames import canonical_frame
from ev_pipeline.sources.json_records import Element
from ev_pipeline.sources.json_texts import texts_of_elements
from ev_pipeline.sources.mapping import Mapping, load_mapping
from ev_pipeline.sources.payloads.parsing import Envelope, elements_of_payload
from ev_pipeline.sources.payloads.shapes import CANONICAL, Shape, shape_of
from ev_pipeline.sources.reader import RecordBatch

MESSAGE_COLUMNS: Final[dict[str, pl.DataType]] = {
    "message": pl.Int64(),
    "account": pl.String(),
    "delivery_id": pl.String(),
    "received_at": pl.Datetime("us", "UTC"),
}
"""What a record knows of its message: which one of the batch it was, the account that sent it, the
id that its sender gave it (and the record's place, if it is one of several), when it came."""

_WIRE_ENVELOPE: Final = Envelope(("data",), beside="timestamp")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Binding:
    """What an account is bound to.

    Args:
        mapping: what reads its records, a mapping of sessions; told by their keys if null.
        scope: the operator that it reports for; the mapping's, else the default one, if null.
    """

    mapping: Mapping | None = None
    scope: str | None = None

    def __post_init__(self) -> None:
        """Refuse what reads no sessions."""
        if self.mapping is not None and self.mapping.records != "session":
            raise ValueError(f"the mapping {self.mapping.name} reads no sessions")


UNBOUND: Final = Binding()
"""The binding of an account that has none."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it came.

    Args:
        payload: its bytes.
        account: who sent it.
        received_at: when it came.
        binding: what the account is bound to.
        message_id: the user property of that name; null if it has none.
    """

    payload: bytes
    account: str
    received_at: datetime
    binding: Binding = UNBOUND
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class DecodedRecords:
    """Records of one operator that one mapping reads.

    Args:
        mapping: what read them.
        scope: the operator.
        batch: the records, in the order of their messages; the frame has `MESSAGE_COLUMNS` too,
            and `line` counts a message's records from 1. A record's raw bytes are an element's own
            text, or the whole payload; a record that was understood comes from them again.
    """

    mapping: Mapping
    scope: str
    batch: RecordBatch


def decode_messages(messages: Sequence[Message], *, default_scope: str) -> list[DecodedRecords]:
    """Every record of every message, decoded as the same record in a file is.

    What cannot be understood is a record too, with the problem `malformed`: an element that is no
    object, or a whole payload. No message has a say in what becomes of another.

    Args:
        messages: messages in the order in which they came; their bytes together bound the memory.
        default_scope: the operator of records for which neither account nor mapping names one.
    """
    groups: dict[tuple[int, str], _Group] = {}
    for number, message in enumerate(messages):
        bound_to = message.binding.mapping
        elements = elements_of_payload(message.payload, _envelope(bound_to))
        for place, element in enumerate(elements, start=1):
            shape = _shape(element, bound_to)
            scope = message.binding.scope or shape.mapping.scope or default_scope
            key = (id(shape.mapping), scope)
            group = groups.get(key)
            if group is None:
                group = groups[key] = _Group(shape.mapping, scope)
            is_alone = len(elements) == 1
            group.add(shape.readable(element), number=number, place=place, is_alone=is_alone)
    return [group.decoded(messages) for group in groups.values()]


def refuse_message(message: Message, why: str, *, default_scope: str) -> DecodedRecords:
    """The message as one `malformed` record, whole, whatever it holds.

    Args:
        message: what cannot be kept otherwise.
        why: the reason that its sender is given.
        default_scope: as for `decode_messages`.
    """
    mapping = message.binding.mapping or load_mapping(CANONICAL)
    group = _Group(mapping, message.binding.scope or mapping.scope or default_scope)
    group.add(Element(message.payload, None, why), number=0, place=1, is_alone=True)
    return group.decoded([message])


def _envelope(bound_to: Mapping | None) -> Envelope | None:
    """What may be around the records of an account."""
    if bound_to is None:
        return _WIRE_ENVELOPE
    if bound_to.file.list_at is not None:
        return Envelope(tuple(bound_to.file.list_at.split(".")))
    roots = {column.split(".")[0] for column in bound_to.columns}
    return _WIRE_ENVELOPE if roots.isdisjoint({"timestamp", "data"}) else None


def _shape(element: Element, bound_to: Mapping | None) -> Shape:
    if element.fault:
        return Shape(bound_to or load_mapping(CANONICAL), element.fault)
    return shape_of(tuple(element.value), bound_to)


@dataclass(slots=True)
class _Group:
    """Records of one operator and mapping while they are gathered."""

    mapping: Mapping
    scope: str
    elements: list[Element] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    is_alone: list[bool] = field(default_factory=list)

    def add(self, element: Element, *, number: int, place: int, is_alone: bool) -> None:
        self.elements.append(element)
        self.numbers.append(number)
        self.places.append(place)
        self.is_alone.append(is_alone)

    def decoded(self, messages: Sequence[Message]) -> DecodedRecords:
        """The group's records, decoded together."""
        senders = [messages[number] for number in self.numbers]
        received_us = [(sender.received_at - _EPOCH) // _MICROSECOND for sender in senders]
        received_at = pl.Series("received_at", received_us).cast(MESSAGE_COLUMNS["received_at"])
        ids = [self._delivery_id(sender.message_id, row) for row, sender in enumerate(senders)]
        places = pl.Series("line", self.places, dtype=pl.Int64)
        texts = texts_of_elements(self.elements, self.mapping)
        frame = canonical_frame(texts, self.mapping, received_at, places).hstack(
            [
                pl.Series("message", self.numbers, dtype=pl.Int64),
                pl.Series("account", [sender.account for sender in senders], dtype=pl.String),
                pl.Series("delivery_id", ids, dtype=pl.String),
                received_at,
            ]
        )
        raw = [element.raw for element in self.elements]
        return DecodedRecords(self.mapping, self.scope, RecordBatch(frame, None, raw.__getitem__))

    def _delivery_id(self, message_id: str | None, row: int) -> str | None:
        """The id that the message gives a record; records of a list have their place in it too."""
        if message_id is None or self.is_alone[row]:
            return message_id
        return f"{message_id}/{self.places[row]}"
