"""Records that were cut out of a stream of CSV bytes, before anybody looks into them.

What lives here: a block of them, and what can be wrong with how one is cut.
What does not: cutting (`splitting`), what a record holds (`csv_records`).
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]

MAX_RECORD_BYTES: Final = 1 << 20
"""A longer record is malformed, and only its beginning is kept; no session needs 1 MiB."""


class Fault(IntEnum):
    """What is wrong with how a record is cut."""

    NONE = 0
    OPEN_QUOTE = 1
    TOO_LONG = 2


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file separates and quotes.

    Args:
        delimiter: one byte.
        quote: one byte, or none for no quoting.
    """

    delimiter: bytes
    quote: bytes


@dataclass(frozen=True)
class RecordBlock:
    """Records in a row, without blank lines.

    Args:
        data: bytes that hold them all.
        starts: where each begins.
        ends: where each ends, before its line end.
        lines: physical line on which each begins, counted from 1.
        faults: a `Fault` for each.
        is_regular: whether quotes stand only around whole values.
    """

    data: bytes
    starts: Positions
    ends: Positions
    lines: Positions
    faults: npt.NDArray[np.int8]
    is_regular: bool

    def __len__(self) -> int:
        """How many records there are."""
        return len(self.starts)

    def raw(self, index: int) -> bytes:
        """The bytes of one record, without its line end."""
        return self.data[int(self.starts[index]) : int(self.ends[index])]

    def only(self, kept: npt.NDArray[np.bool_]) -> "RecordBlock":
        """The records that are kept; the bytes of the others are gone, as in a blank line."""
        if kept.all():
            return self
        lengths = np.where(kept, 0, self.ends - self.starts)
        edges = np.zeros(len(self.data) + 1, np.int8)
        np.add.at(edges, self.starts[~kept], 1)
        np.subtract.at(edges, self.ends[~kept], 1)
        is_kept_byte = np.cumsum(edges[:-1], dtype=np.int8) == 0
        moved = np.cumsum(lengths)[kept]
        return RecordBlock(
            np.frombuffer(self.data, np.uint8)[is_kept_byte].tobytes(),
            self.starts[kept] - moved,
            self.ends[kept] - moved,
            self.lines[kept],
            self.faults[kept],
            self.is_regular,
        )

    def after_first(self) -> "RecordBlock":
        """The block without its first record."""
        return RecordBlock(
            self.data,
            self.starts[1:],
            self.ends[1:],
            self.lines[1:],
            self.faults[1:],
            self.is_regular,
        )
