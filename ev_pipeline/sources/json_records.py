"""JSON records: elements of a list, or one object a line.

What lives here: streaming elements out of documents, and the parser of single ones.
What does not: what stands in an element (`json_texts`).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

import ijson

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.files import ByteSource, name_of
from ev_pipeline.sources.json_bounds import BoundedReader
from ev_pipeline.sources.json_surrogates import MarkedHalves, with_halves
from ev_pipeline.sources.mapping import Mapping

_READ_BYTES: Final = 1 << 16
"""What the JSON parser reads at a time."""


@dataclass(frozen=True, slots=True)
class Element:
    """One record in JSON.

    Args:
        raw: its bytes; of a document's element, compact, keys in the file's order.
        value: what it says, an object; null where it is none.
        fault: why it could not be understood; empty if it could.
    """

    raw: bytes
    value: Any
    fault: str = ""


def elements_of_document(source: ByteSource, mapping: Mapping) -> Iterator[Element]:
    """The elements of the list that a JSON document is or holds, or its objects themselves.

    Raises:
        PipelineError: the document is damaged, or an element has no end.
    """
    reader = BoundedReader(source)
    is_list = source.peek(_READ_BYTES).lstrip().startswith(b"[")
    path = mapping.file.list_at
    prefix = "item" if is_list else f"{path}.item" if path else ""
    number = 0
    try:
        for value in ijson.items(
            MarkedHalves(reader),
            prefix,
            use_float=True,
            multiple_values=not prefix,
            buf_size=_READ_BYTES,
        ):
            reader.start_element()
            number += 1
            yield _element(value)
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise PipelineError(
            f"element {number + 1} is no JSON: {_plainly(error)}",
            where=name_of(source.path),
            mend="fetch the file again, or mend it there",
        ) from error


def _plainly(error: Exception) -> str:
    """What a parser says, without its picture of the place."""
    said = str(error.args[0] if error.args else error)
    first = next(iter(said.splitlines()), "").strip()
    if isinstance(error, ijson.IncompleteJSONError) and "premature" in first:
        return "the file ends in the middle of it"
    return first.removeprefix("lexical error: ").removeprefix("parse error: ")


def has_list(source: ByteSource, path: str) -> bool:
    """Whether a JSON document holds a list at the path."""
    events = ijson.parse(BoundedReader(source), use_float=True, buf_size=_READ_BYTES)
    return any(prefix == path and event == "start_array" for prefix, event, _ in events)


def element_of_line(line: bytes) -> Element:
    """The record that one line of a JSON lines file holds."""
    try:
        value = JSON.decode(line.decode())
    except (ValueError, RecursionError) as error:
        return Element(line, None, f"no JSON: {error}")
    return element_of_value(line, value)


def element_of_value(raw: bytes, value: Any) -> Element:
    """The record that a JSON value is, if it is an object."""
    if not isinstance(value, dict):
        return Element(raw, None, f"a {type(value).__name__}, not an object")
    return Element(raw, value)


def _number(text: str) -> float | str:
    """A number, or its text where no float holds it."""
    number = float(text)
    return number if isfinite(number) else text


def _integer(text: str) -> int | str:
    """A number, or its text where it has more digits than Python reads."""
    try:
        return int(text)
    except ValueError:
        return text


JSON: Final = json.JSONDecoder(parse_float=_number, parse_int=_integer)
"""The one parser of records; a number that no float holds stays a text, so it costs its field."""


def _element(value: Any) -> Element:
    try:
        written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        text = with_halves(written)
        raw = text.encode()
    except (RecursionError, UnicodeEncodeError) as error:
        return Element(b"", None, f"cannot be written as JSON again ({error})")
    return element_of_value(raw, value if text == written else JSON.decode(text))
