"""A payload's bytes as records in JSON: an object, a list's elements, or what an envelope holds.

What lives here: parsing within bounds, and each element's own text.
What does not: which mapping reads a record (`shapes`).
"""

import codecs
import re
from dataclasses import dataclass
from typing import Any, Final

from ev_pipeline.sources.json_records import JSON, Element, element_of_value

MAX_PAYLOAD_BYTES: Final = 4 << 20
"""A longer payload is malformed: parsed, hostile JSON takes up to 40 times its bytes."""

MAX_ELEMENTS: Final = 100_000
"""A longer list is malformed as a whole; so many sessions are a file's."""

_SPACE: Final = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True, slots=True)
class Envelope:
    """An object around a record or a list of them.

    Args:
        path: the keys that lead to what it holds.
        beside: a key that an object must also have to be one; none if null.
    """

    path: tuple[str, ...]
    beside: str | None = None

    def inside(self, value: Any) -> Any:
        """What the value holds if it is such an envelope, else null."""
        if self.beside is not None and self.beside not in value:
            return None
        for key in self.path:
            value = value.get(key) if isinstance(value, dict) else None
        return value


def elements_of_payload(payload: bytes, envelope: Envelope | None) -> list[Element]:
    """The records that a payload holds, at least one.

    Nesting is bounded by the parser, which stops before the stack ends.

    Args:
        payload: any bytes.
        envelope: what may be around the records.

    Returns:
        A payload that cannot be understood is one record, with its fault.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        return [Element(payload, None, f"longer than {MAX_PAYLOAD_BYTES} bytes")]
    if not payload:
        return [Element(payload, None, "an empty payload")]
    try:
        return _elements(payload, envelope)
    except UnicodeDecodeError as error:
        fault = f"not UTF-8 at byte {error.start + 1}"
    except (ValueError, RecursionError) as error:
        fault = f"no JSON: {error}"
    return [Element(payload, None, fault)]


def _elements(payload: bytes, envelope: Envelope | None) -> list[Element]:
    text = payload.removeprefix(codecs.BOM_UTF8).decode()
    start = _after_space(text, 0)
    if text.startswith("[", start):
        elements, end = _elements_of_list(text, start, envelope)
        if end < len(text):
            raise ValueError(f"something follows the list at character {end + 1}")
        return elements
    value = JSON.decode(text)
    inside = envelope.inside(value) if envelope is not None and isinstance(value, dict) else None
    if isinstance(inside, list) and envelope is not None:
        for key in envelope.path:
            start = _members(text, start)[key]
        return _elements_of_list(text, start, None)[0]
    return [element_of_value(payload, value if inside is None else inside)]


def _elements_of_list(
    text: str, start: int, envelope: Envelope | None
) -> tuple[list[Element], int]:
    """The elements of the list that begins at `start`, each with its own text, and the list's end.

    Raises:
        ValueError: it is no JSON, is empty, or has too many elements.
    """
    elements: list[Element] = []
    position = _after_space(text, start + 1)
    if text.startswith("]", position):
        raise ValueError("the list is empty")
    following = ","
    while following == ",":
        if len(elements) == MAX_ELEMENTS:
            raise ValueError(f"the list has more than {MAX_ELEMENTS} elements")
        begin = position
        value, position = JSON.raw_decode(text, begin)
        elements.append(_enclosed(text[begin:position].encode(), value, envelope))
        position = _after_space(text, position)
        following = text[position : position + 1]
        position = _after_space(text, position + 1)
    if following != "]":
        raise ValueError(f"the list does not go on at character {position}")
    return elements, position


def _enclosed(raw: bytes, value: Any, envelope: Envelope | None) -> Element:
    """The record that an element of a list is, or is the envelope of."""
    if envelope is not None and isinstance(value, dict):
        inside = envelope.inside(value)
        value = value if inside is None else inside
    return element_of_value(raw, value)


def _members(text: str, start: int) -> dict[str, int]:
    """Where the values of the object that begins at `start` begin; text that is known as JSON."""
    starts: dict[str, int] = {}
    position = _after_space(text, start + 1)
    while not text.startswith("}", position):
        key, position = JSON.raw_decode(text, position)
        position = _after_space(text, _after_space(text, position) + 1)
        starts[key] = position
        _, position = JSON.raw_decode(text, position)
        position = _after_space(text, position)
        if text.startswith(",", position):
            position = _after_space(text, position + 1)
    return starts


def _after_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return position if match is None else match.end()
