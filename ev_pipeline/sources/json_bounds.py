"""What bounds a JSON document while it is streamed: size and depth of an element, size of numbers.

What lives here: the bytes on their way to the parser, measured, and numbers beyond it as texts.
What does not: parsing them (`json_records`).
"""

import re
from typing import Final

import numpy as np

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.files import ByteSource, name_of
from ev_pipeline.sources.record_blocks import MAX_RECORD_BYTES

MAX_ELEMENT_BYTES: Final = 16 * MAX_RECORD_BYTES
"""A longer element ends the reading: it would have to be held in memory whole."""

MAX_DEPTH: Final = 200
"""Deeper nesting ends the reading: the parser's memory grows with the depth's square."""

_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BIG: Final = re.compile(rb"(?<![\d.])\d{19}|\d\.?[eE]\+?\d{3}")
"""What every number holds that integers of 64 bits or doubles may not."""

_NUMBER_OR_STRING: Final = re.compile(
    rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|-?(?:\d+\.?\d*)(?:[eE][-+]?\d+)?', re.DOTALL
)
_NUMBER_CHARS: Final = b"-+.0123456789eE"
_TRAILING_ESCAPES: Final = re.compile(rb"\\*$")

_STEP_BY_BYTE: Final = np.zeros(256, dtype=np.int64)
"""How a byte outside strings changes the depth."""
_STEP_BY_BYTE[list(b"[{")] = 1
_STEP_BY_BYTE[list(b"]}")] = -1


class BoundedReader:
    """A source's bytes, as long as elements end and are not too deep.

    Args:
        source: where the bytes come from.
    """

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._since_element = 0
        self._depth = 0
        self._open_string = b""
        self._held = b""

    def start_element(self) -> None:
        """Count the next element's bytes from here on."""
        self._since_element = 0

    def read(self, size: int) -> bytes:
        """The next bytes; numbers that the parser would stop at are quoted, so that they are texts.

        Raises:
            PipelineError: too many came without an element's end, or they nest too deeply.
        """
        while True:
            part = self._source.read(size)
            quoted = self._quoted(part)
            if quoted or not part:
                return quoted

    def _quoted(self, part: bytes) -> bytes:
        """The part with big numbers quoted; a number at its end is held back until it is whole."""
        opened = self._open_string
        self._since_element += len(part)
        if self._since_element > MAX_ELEMENT_BYTES:
            raise self._refused(f"an element is longer than {MAX_ELEMENT_BYTES} bytes")
        if self._deepest(part) > MAX_DEPTH:
            raise self._refused(f"an element is nested more than {MAX_DEPTH} deep")
        data = self._held + part
        self._held = b""
        if part and not self._open_string:
            whole = data.rstrip(_NUMBER_CHARS)
            data, self._held = whole, data[len(whole) :]
        if _BIG.search(data):
            data = _NUMBER_OR_STRING.sub(_as_parsable, opened + data)[len(opened) :]
        return data

    def _deepest(self, part: bytes) -> int:
        """The greatest depth in the part, brackets inside strings not counted."""
        outside = _STRING.sub(b"", self._open_string + part)
        outside, quote, inside = outside.partition(b'"')
        escapes = _TRAILING_ESCAPES.search(inside)
        is_escaping = escapes is not None and len(escapes.group()) % 2 == 1
        self._open_string = quote + (b"\\" if is_escaping else b"")
        depths = self._depth + np.cumsum(_STEP_BY_BYTE[np.frombuffer(outside, dtype=np.uint8)])
        if not depths.size:
            return self._depth
        self._depth = int(depths[-1])
        return int(depths.max())

    def _refused(self, what: str) -> PipelineError:
        return PipelineError(
            what,
            where=name_of(self._source.path),
            mend="check list_at in [file] of the mapping: it names the list of records",
        )


def _as_parsable(token: re.Match[bytes]) -> bytes:
    """A string as it is, a number as it is or, where the parser would stop at it, quoted."""
    text = token.group()
    return text if text.startswith(b'"') or not _BIG.search(text) else b'"' + text + b'"'
