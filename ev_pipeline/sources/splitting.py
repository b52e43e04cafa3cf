"""Where records begin and end in a stream of CSV bytes of any size.

What lives here: cutting at line ends that no quotes enclose, exactly as the `csv` module does, in
bounded memory; and getting back on the track after a quote that nobody closed.
What does not: what was cut (`record_blocks`), what a record holds (`csv_records`).
"""

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Final

import numpy as np

from ev_pipeline.sources.record_blocks import (
    MAX_RECORD_BYTES,
    Dialect,
    Fault,
    Positions,
    RecordBlock,
)

_CAREFUL_BYTES: Final = 1 << 18
"""How far to go on record by record after a stray quote before trying whole blocks again."""

_CR, _LF = 0x0D, 0x0A


def split_records(
    read: Callable[[int], bytes], dialect: Dialect, block_bytes: int, *, first_line: int = 1
) -> Iterator[RecordBlock]:
    """The records of a stream, in blocks of about `block_bytes`; blank lines are none.

    Args:
        read: gives some of the next bytes, none when the stream has ended.
        dialect: how the file separates and quotes.
        block_bytes: how much to hold at a time.
        first_line: the number of the line with which the stream begins.
    """
    patterns = _Patterns(dialect)
    carry, line, is_skipping = b"", first_line, False
    chunk = _read_about(read, block_bytes)
    while chunk:
        following = _read_about(read, block_bytes)
        data = carry + chunk
        cut = _Cut(data, patterns, is_last=not following)
        if is_skipping:
            cut.skip_line()
        cut.run()
        block = cut.block(line)
        if len(block):
            yield block
        line += int(np.searchsorted(cut.breaks, cut.position))
        carry, is_skipping = data[cut.position :], cut.is_skipping
        chunk = following


def _read_about(read: Callable[[int], bytes], size: int) -> bytes:
    """About `size` bytes that do not end between a carriage return and its line feed."""
    parts: list[bytes] = []
    length = 0
    while length < size or parts[-1].endswith(b"\r"):
        part = read(max(size - length, 1))
        if not part:
            break
        parts.append(part)
        length += len(part)
    return b"".join(parts)


class _Patterns:
    """Regular expressions of a dialect, for going record by record."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        delimiter, quote = re.escape(dialect.delimiter), re.escape(dialect.quote)
        plain = rb"[^%b\r\n]*" % delimiter
        if dialect.quote:
            # A quote closes if no other follows. Without possessive quantifiers, which give wrong
            # matches before Python 3.11.5 (gh-106052): no two ways lead on, so none are needed.
            quoted = rb"%b[^%b]*(?:%b%b[^%b]*)*%b(?!%b)" % ((quote,) * 7)
            sound = rb"(?:%b|(?!%b)%b)" % (quoted, quote, plain)
            loose = rb"(?:%b%b|(?!%b)%b)" % (quoted, plain, quote, plain)
        else:
            sound = loose = plain
        end = rb"(?P<end>\r\n|\n|\r|\Z)"
        self.sound: Final = re.compile(rb"%b(?:%b%b)*%b" % (sound, delimiter, sound, end))
        self.loose: Final = re.compile(rb"%b(?:%b%b)*%b" % (loose, delimiter, loose, end))


class _Cut:
    """One pass over the bytes at hand, from line start to line start."""

    def __init__(self, data: bytes, patterns: _Patterns, *, is_last: bool) -> None:
        self.data = data
        self.position = 0
        self.is_skipping = False
        self.is_regular = True
        self._runs: list[tuple[Positions, Positions]] = []
        self._singles: list[tuple[int, int]] = []
        self._faults: dict[int, Fault] = {}
        self._patterns = patterns
        self._is_last = is_last
        self._bytes = np.frombuffer(data, dtype=np.uint8)

    @cached_property
    def breaks(self) -> Positions:
        """Where every line ends: at each line feed, and each carriage return without one."""
        feeds = np.flatnonzero(self._bytes == _LF)
        if b"\r" not in self.data:
            return feeds
        returns = np.flatnonzero(self._bytes == _CR)
        following = np.append(self._bytes, 0)[returns + 1]
        lone = returns[following != _LF]
        return np.sort(np.concatenate([feeds, lone])) if lone.size else feeds

    @cached_property
    def _quotes(self) -> Positions:
        quote = self._patterns.dialect.quote
        return np.flatnonzero(self._bytes == quote[0]) if quote else np.empty(0, np.int64)

    def block(self, first_line: int) -> RecordBlock:
        """What was cut."""
        self._end_run()
        starts, ends = (
            np.concatenate([np.empty(0, np.int64), *parts])
            for parts in ([run[0] for run in self._runs], [run[1] for run in self._runs])
        )
        filled = ends > starts
        starts, ends = starts[filled], ends[filled]
        faults = np.zeros(len(starts), dtype=np.int8)
        for start, fault in self._faults.items():
            faults[np.searchsorted(starts, start)] = fault
        lines = first_line + np.searchsorted(self.breaks, starts)
        return RecordBlock(self.data, starts, ends, lines, faults, self.is_regular)

    def skip_line(self) -> None:
        """Pass over the rest of a line of which enough was kept."""
        self.is_skipping = not self.breaks.size
        self.position = int(self.breaks[0]) + 1 if self.breaks.size else len(self.data)

    def run(self) -> None:
        """Cut as many records as the bytes hold; `position` is where the next one begins."""
        while self.position < len(self.data) and not self.is_skipping:
            before = self.position
            self._whole_block()
            target = self.position + _CAREFUL_BYTES
            while self.position < min(target, len(self.data)) and self._one_record():
                pass
            if self.position == before:
                return

    def _end_run(self) -> None:
        """Turn the records that were cut singly into a run of their own."""
        if self._singles:
            starts, ends = np.array(self._singles, dtype=np.int64).T
            self._runs.append((starts, ends))
            self._singles = []

    def _whole_block(self) -> None:
        """Cut the regular records from here on, up to the first irregular or oversized one."""
        breaks = self.breaks[np.searchsorted(self.breaks, self.position) :]
        quotes = self._quotes[np.searchsorted(self._quotes, self.position) :]
        enclosing = np.searchsorted(quotes, breaks)
        stops = breaks[enclosing % 2 == 0]
        stray = self._first_stray(quotes[: int(enclosing[-1])] if len(enclosing) else quotes[:0])
        if stray is not None:
            stops = stops[stops < stray]
        starts = np.append(self.position, stops + 1)[:-1]
        oversized = np.flatnonzero(stops - starts > MAX_RECORD_BYTES)
        if oversized.size:
            starts, stops = starts[: oversized[0]], stops[: oversized[0]]
        if not stops.size:
            return
        has_return = (self._bytes[stops] == _LF) & (self._bytes[stops - 1] == _CR)
        self._end_run()
        self._runs.append((starts, stops - (has_return & (stops > starts))))
        self.position = int(stops[-1]) + 1

    def _first_stray(self, quotes: Positions) -> int | None:
        """The first quote that neither opens nor closes a value, nor is doubled inside one."""
        if not quotes.size:
            return None
        edges = np.frombuffer(self._patterns.dialect.delimiter + b"\r\n", dtype=np.uint8)
        is_next = np.diff(quotes) == 1
        opens, closes = quotes[0::2], quotes[1::2]
        after_edge = (opens == 0) | np.isin(self._bytes[opens - 1], edges)
        after_edge[1:] |= is_next[1::2][: len(after_edge) - 1]
        last = len(self._bytes) - 1
        before_edge = (closes == last) | np.isin(self._bytes[np.minimum(closes + 1, last)], edges)
        doubled = is_next[1::2]
        before_edge[: len(doubled)] |= doubled
        strays = np.concatenate([opens[~after_edge], closes[~before_edge]])
        return int(strays.min()) if strays.size else None

    def _one_record(self) -> bool:
        """Cut the next record by itself; false if more bytes are needed to see its end."""
        start, limit = self.position, min(self.position + MAX_RECORD_BYTES, len(self.data))
        is_whole = self._is_last and limit == len(self.data)
        match = self._patterns.sound.match(self.data, start, limit)
        is_sound = match is not None
        match = match or self._patterns.loose.match(self.data, start, limit)
        if match and (match.end() < limit or is_whole):
            end = match.start("end")
            if is_sound or not self._has_break(start, end):
                self.is_regular &= self.data.find(self._patterns.dialect.quote, start, end) < 0
                self._singles.append((start, end))
                self.position = match.end()
                return True
        elif not self._is_last and len(self.data) - start <= MAX_RECORD_BYTES:
            return False
        self._keep_line_as_fault(start)
        return True

    def _has_break(self, start: int, end: int) -> bool:
        low, high = np.searchsorted(self.breaks, [start, end])
        return bool(high > low)

    def _keep_line_as_fault(self, start: int) -> None:
        """Keep the line as a faulty record, so that the next line is a record of its own again."""
        index = int(np.searchsorted(self.breaks, start))
        is_open = index == len(self.breaks)
        stop = len(self.data) if is_open else int(self.breaks[index])
        end = stop - (self.data[start:stop].endswith(b"\r") and not is_open)
        is_long = end - start > MAX_RECORD_BYTES
        self.is_regular = False
        self._faults[start] = Fault.TOO_LONG if is_long else Fault.OPEN_QUOTE
        self._singles.append((start, min(end, start + MAX_RECORD_BYTES)))
        self.position = stop if is_open else stop + 1
        self.is_skipping = is_open and not self._is_last
