r"""Halves of characters in JSON: escapes like `\ud800` without the other half, kept as they came.

What lives here: carrying them past a parser that would put a question mark in their place.
What does not: that no table can hold them (`json_records`).
"""

import re
from typing import Final, Protocol

_MARK: Final = "\ufdd0"
"""A code point that stands for no character and never will, so that no text holds it."""

_ESCAPE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|\\u(?P<half>[dD][89a-fA-F][0-9a-fA-F]{2})|\\[^u]|\\u",
    re.DOTALL,
)
"""One escape, or the two that are a character together."""

_HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]")
"""What every half of a character holds, with or without the other."""

_UNFINISHED: Final = re.compile(
    rb"(?<!\\)(?:\\\\)*(?P<rest>"
    rb"(?:\\u[dD][89abAB][0-9a-fA-F]{2})?\\(?:u[0-9a-fA-F]{0,3})?|\\u[dD][89abAB][0-9a-fA-F]{2})\Z"
)
"""The beginning of an escape, or of a pair of them, at the end of a part."""

_LONGEST_UNFINISHED: Final = len(rb"\ud83d\ud83")
"""Bytes of the longest beginning that may have to wait for its end."""

_MARKED: Final = re.compile(_MARK + "([dD][89a-fA-F][0-9a-fA-F]{2})")


class Readable(Protocol):
    """Something that is read part by part."""

    def read(self, size: int, /) -> bytes:
        """The next bytes; none at the end."""


class MarkedHalves:
    """A JSON document's bytes, in which each half of a character is marked and spelt out.

    Args:
        source: where the bytes come from.
    """

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._held = b""

    def read(self, size: int) -> bytes:
        """The next bytes, at least one unless the document has ended."""
        while size > 0:
            part = self._source.read(size)
            marked = self._marked(part)
            if marked or not part:
                return marked
        return b""

    def _marked(self, part: bytes) -> bytes:
        data = self._held + part
        self._held = b""
        if part and b"\\" in data[-_LONGEST_UNFINISHED:]:
            before = data[:-_LONGEST_UNFINISHED].rstrip(b"\\")
            if unfinished := _UNFINISHED.search(data[len(before) :]):
                self._held = unfinished.group("rest")
                data = data[: -len(self._held)]
        return _ESCAPE.sub(_marked_half, data) if _HALF.search(data) else data


def _marked_half(escape: re.Match[bytes]) -> bytes:
    half = escape.group("half")
    return escape.group() if half is None else b"\\ufdd0" + half


def with_halves(json_text: str) -> str:
    """The JSON text of a value that was read so, with the escapes that the source had written."""
    return _MARKED.sub(r"\\u\1", json_text) if _MARK in json_text else json_text
