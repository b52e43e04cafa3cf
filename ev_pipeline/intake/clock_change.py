"""Sessions in the hour that exists twice: they wait until their neighbours are known.

What lives here: holding them back and finding their neighbours. What does not: the choice between
two readings (`ev_pipeline.domain.localtime`).
"""

from collections.abc import Callable

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.localtime import choose_readings, readings
from ev_pipeline.intake.job import Job
from ev_pipeline.storage.neighbours import neighbours_of, stored_sessions


class Ambiguous:
    """The ambiguous records of one load.

    Args:
        connection: the load's transaction.
        job: the load.
    """

    def __init__(self, connection: sa.Connection, job: Job) -> None:
        self._connection = connection
        self._job = job
        self._frames: list[pl.DataFrame] = []
        self._raws: list[bytes] = []

    def hold(self, rows: pl.DataFrame, raw: Callable[[int], bytes]) -> None:
        """Keep records, with their bytes: there are few, in one hour of a year."""
        first = len(self._raws)
        self._raws += [raw(row) for row in rows["batch_row"]]
        own_rows = pl.int_range(first, len(self._raws), dtype=pl.Int64, eager=True)
        self._frames.append(rows.with_columns(own_rows.alias("batch_row")))

    def settled(self) -> tuple[pl.DataFrame, Callable[[int], bytes]]:
        """The records, each with one reading, and their bytes by the column `batch_row`.

        They are told apart by their numbers: of many messages each has a line 1.
        """
        if not self._frames:
            return pl.DataFrame(), self._raws.__getitem__
        scope, mapping = self._job.origin.scope, self._job.mapping
        frame = pl.concat(self._frames).with_columns(line="ordinal", told_line="line")
        read = readings(
            frame,
            scope=scope,
            key_has_end=mapping.key_has_end,
            has_tied_times=mapping.has_tied_times,
        )
        chosen = choose_readings(
            read,
            neighbours=neighbours_of(self._connection, read, scope=scope),
            stored=stored_sessions(self._connection, read["session_id"].drop_nulls().to_list()),
            resolution_s=mapping.resolution_s,
        )
        settled = chosen.with_columns(line="told_line").drop("told_line", "session_id")
        return settled, self._raws.__getitem__
