"""Where a load's records come from: a file, or quarantine.

What lives here: records that can be read, and read once more where raw bytes are asked for late.
What does not: decoding (`ev_pipeline.sources`), and what becomes of the records.
"""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import polars as pl

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.files import name_of
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline.sources.reader import RecordBatch, read_batches
from ev_pipeline.sources.skipping import SkippedLines

DELIVERY: Final = {
    "account": pl.String(),
    "delivery_id": pl.String(),
    "received_at": pl.Datetime("us", "UTC"),
}
"""How a single record was delivered: by which account, under which name, and when. Columns that a
frame of records may have; null stands for what is true of all of them."""


class Records(Protocol):
    """Records that can be read more than once."""

    def station_ids(self) -> list[str] | None:
        """The stations that they name; null where that is not known beforehand."""

    def batches(self) -> Iterator[RecordBatch]:
        """The records, batch by batch, in order."""

    def fingerprint(self) -> str | None:
        """The same for the same content; null where the content cannot change."""


@dataclass(slots=True)
class FileRecords:
    """The records of a file.

    Args:
        path: the file.
        mapping: how its source writes records.
        received_at: when it came.
        skipped: the lines that are no records, once the file was read to its end.
    """

    path: Path
    mapping: Mapping
    received_at: datetime
    skipped: SkippedLines = field(default_factory=SkippedLines, init=False)

    def station_ids(self) -> None:
        """Nobody knows before the file is read."""

    def batches(self) -> Iterator[RecordBatch]:
        """The file's records, in bounded memory, a batch being read while one is worked on."""
        return _one_ahead(self._read())

    def _read(self) -> Iterator[RecordBatch]:
        skipped = SkippedLines()
        yield from read_batches(
            self.path, self.mapping, received_at=self.received_at, skipped=skipped
        )
        self.skipped = skipped

    def fingerprint(self) -> str | None:
        """SHA-256 of the file's bytes; null where there is no file, which reading it will say."""
        try:
            if not self.path.is_file():
                return None
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise PipelineError(
                f"cannot be read: {error.strerror}",
                where=name_of(self.path),
                mend="check the disk, and that you may read the file",
            ) from error


@dataclass(frozen=True, slots=True)
class HeldRecords:
    """Records that are in memory.

    Args:
        batch: all of them; its frame may have the columns of `DELIVERY`.
    """

    batch: RecordBatch

    def station_ids(self) -> list[str]:
        """The stations that they name."""
        return list({*self.batch.frame["station_id"]} - {None})

    def batches(self) -> Iterator[RecordBatch]:
        """The one batch."""
        yield self.batch

    def fingerprint(self) -> str | None:
        """Nothing: what is in memory does not change."""
        return None


def numbered(
    records: Records, progress: Callable[[int], None] | None = None
) -> Iterator[tuple[int, RecordBatch]]:
    """Each batch with the number of records before it; `progress` hears how many were read."""
    before = 0
    for batch in records.batches():
        yield before, batch
        before += batch.frame.height
        if progress is not None:
            progress(before)


def placed(before: int, batch: RecordBatch) -> pl.DataFrame:
    """The batch's frame with how each record was delivered and where it stands.

    Args:
        before: how many records came before the batch.
        batch: the batch.

    Returns:
        The frame with the columns of `DELIVERY`, `batch_row` (what `raw` knows a record by) and
        `ordinal` (its number among all).
    """
    frame, n = batch.frame, batch.frame.height
    unsaid = [
        pl.Series(name, [None], dtype=kind).new_from_index(0, n)
        for name, kind in DELIVERY.items()
        if name not in frame
    ]
    row = pl.int_range(n, dtype=pl.Int64, eager=True)
    return frame.hstack([*unsaid, row.alias("batch_row"), (row + before).alias("ordinal")])


def _one_ahead(batches: Iterator[RecordBatch]) -> Iterator[RecordBatch]:
    """The batches, of which the next one is read while this one is worked on."""
    with ThreadPoolExecutor(1, thread_name_prefix="reader") as reader:
        following = reader.submit(next, batches, None)
        while (batch := following.result()) is not None:
            following = reader.submit(next, batches, None)
            yield batch


def read_again(
    records: Records, fingerprint: str | None, where: str
) -> Iterator[tuple[int, RecordBatch]]:
    """The same batches once more.

    Raises:
        PipelineError: they are not the same: the file was changed or replaced meanwhile.
    """
    yield from numbered(records)
    if records.fingerprint() != fingerprint:
        raise PipelineError(
            "the file changed while it was loaded",
            where=where,
            mend="nothing was stored; load it again when it is complete",
        )
