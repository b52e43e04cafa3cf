"""Lines of a CSV file that are no records: above the header, and those that a mapping declares.

What lives here: passing over them, and counting how many they were.
What does not: blank lines, which are nothing at all (`splitting`).
"""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.files import ByteSource, name_of, record_encoding
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline.sources.record_blocks import RecordBlock

_ABOVE_BYTES: Final = 1 << 16
"""The header must begin within so much of the file: no title is longer."""

_LINE_END: Final = re.compile(rb"\r\n|\n|\r")


@dataclass(slots=True)
class SkippedLines:
    """How many lines were passed over so far.

    Args:
        above: lines above the names of the columns.
        declared: lines that begin as the mapping says of those that are no records.
    """

    above: int = 0
    declared: int = 0

    def in_words(self) -> str:
        """What was passed over; empty if nothing was."""
        said = [f"{self.above} above the header"] if self.above else []
        if self.declared:
            said.append(f"{self.declared} that begin as skip_lines_starting says")
        return " and ".join(said)


def skip_above(source: ByteSource, mapping: Mapping, skipped: SkippedLines) -> None:
    """The file is read on from the line that holds the names of its columns.

    Raises:
        PipelineError: it has no such line.
    """
    n_lines = mapping.file.skip_lines
    if n_lines == 0:
        return
    ends = [end.end() for end in _LINE_END.finditer(source.peek(_ABOVE_BYTES))]
    if len(ends) < n_lines:
        raise PipelineError(
            f"no line {n_lines + 1} is in its beginning, where the mapping {mapping.name} "
            "looks for the names of the columns",
            where=name_of(source.path),
            mend="say in skip_lines, in [file] of the mapping, how many lines stand above them",
        )
    source.read(ends[n_lines - 1])
    skipped.above += n_lines


def without_declared(block: RecordBlock, mapping: Mapping, skipped: SkippedLines) -> RecordBlock:
    """The block without the lines that begin as the mapping says of those that are no records."""
    if not len(block) or not mapping.file.skip_lines_starting:
        return block
    encoding = record_encoding(mapping.file.encoding)
    declared = np.zeros(len(block), dtype=bool)
    for text in mapping.file.skip_lines_starting:
        declared |= _begin_with(block, text.encode(encoding, "replace"), mapping.file.quote)
    skipped.declared += int(declared.sum())
    return block.only(~declared)


def _begin_with(block: RecordBlock, text: bytes, quote: str) -> npt.NDArray[np.bool_]:
    """Which records begin with the text, or with a quote and the text."""
    data = np.frombuffer(block.data, dtype=np.uint8)
    starts = block.starts
    if quote:
        starts = starts + (data[starts] == ord(quote))
    fits = block.ends - starts >= len(text)
    for place, byte in enumerate(text):
        rows = np.flatnonzero(fits)
        fits[rows] = data[starts[rows] + place] == byte
    return fits
