"""JSON records as a frame of texts: elements of a list, or one object a line.

What lives here: streaming elements out of documents, and paths into them.
What does not: what the texts mean (`decode`).
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

import ijson
import polars as pl

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.csv_records import RawRecords
from ev_pipeline.sources.files import ByteSource
from ev_pipeline.sources.json_bounds import BoundedReader
from ev_pipeline.sources.json_surrogates import MarkedHalves, with_halves
from ev_pipeline.sources.mapping import Mapping

_READ_BYTES: Final = 1 << 16
"""What the JSON parser reads at a time."""


@dataclass(frozen=True, slots=True)
class Element:
    """One record of a JSON file.

    Args:
        raw: its bytes, compact, keys in the file's order.
        value: what it says; null where it is no JSON.
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
            where=str(source.path),
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
        value = json.loads(line, parse_float=_number)
    except (ValueError, RecursionError) as error:
        return Element(line, None, f"no JSON: {error}")
    if not isinstance(value, dict):
        return Element(line, None, f"a {type(value).__name__}, not an object")
    return Element(line, value)


def texts_of_elements(elements: Sequence[Element], mapping: Mapping) -> RawRecords:
    """The elements' values at the mapping's paths, as texts."""
    paths = {column: column.split(".") for column in mapping.columns}
    known = {path[0] for path in paths.values()}
    malformed: dict[int, str] = {}
    unknown: set[int] = set()
    columns: dict[str, list[str | None]] = {column: [] for column in paths}
    for row, element in enumerate(elements):
        texts, fault = _texts(element, paths, mapping.file.decimal)
        if fault:
            malformed[row] = f"{fault}: {element.raw.decode('utf-8', 'replace')}"
        elif mapping.file.report_unknown_keys and not known.issuperset(element.value):
            unknown.add(row)
        for column, text in zip(paths, texts, strict=True):
            columns[column].append(text)
    frame = pl.DataFrame(columns, schema=dict.fromkeys(paths, pl.String))
    return RawRecords(frame, malformed, frozenset(unknown))


def _number(text: str) -> float | str:
    """A number, or its text where no float holds it."""
    number = float(text)
    return number if isfinite(number) else text


def _element(value: Any) -> Element:
    try:
        written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        text = with_halves(written)
        raw = text.encode()
    except (RecursionError, UnicodeEncodeError) as error:
        return Element(b"", None, f"cannot be written as JSON again ({error})")
    if text != written:
        value = json.loads(text)
    if not isinstance(value, dict):
        return Element(raw, None, f"a {type(value).__name__}, not an object")
    return Element(raw, value)


def _texts(
    element: Element, paths: dict[str, list[str]], decimal: str
) -> tuple[list[str | None], str]:
    """The texts at the paths, and what is wrong if anything is; then every text is null."""
    nothing: list[str | None] = [None] * len(paths)
    if element.fault:
        return nothing, element.fault
    texts = []
    for column, path in paths.items():
        value = element.value.get(column) if len(path) == 1 else _at(element.value, path)
        if isinstance(value, dict | list):
            return nothing, f"{column} is a {type(value).__name__}, not a text or a number"
        text = _as_text(value, decimal)
        if text is not None and not _is_storable(text):
            return nothing, f"{column} holds a NUL or half a character"
        texts.append(text)
    return texts, ""


def _is_storable(text: str) -> bool:
    """Whether UTF-8 and PostgreSQL can hold the text: no NUL, no surrogate without its other."""
    if text.isascii():
        return "\0" not in text
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _at(value: Any, path: Iterable[str]) -> Any:
    """What stands at a path, null where it leads nowhere; a number counts a list's places."""
    for key in path:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _as_text(value: Any, decimal: str) -> str | None:
    """A scalar as a CSV file of the same source would write it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).replace(".", decimal)
