"""Rows as CSV and Parquet files, written as they arrive.

What lives here: how values look in these formats. What does not: which rows there are.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import BinaryIO, Final

import polars as pl

from ev_pipeline.domain.spreadsheets import guarded

_INSTANT: Final = "%Y-%m-%dT%H:%M:%S%.fZ"
"""UTC, with as many digits of the second as it has."""

_BETWEEN_CODES: Final = ";"
"""What stands between the items of a list in one cell."""


class Table(StrEnum):
    """Formats of rows."""

    CSV = "csv"
    PARQUET = "parquet"


def write_table(frames: Iterable[pl.DataFrame], file: BinaryIO, table: Table) -> int:
    """The rows are in the file, a frame in memory at a time; returns how many.

    Args:
        frames: at least one, all of the same columns; times in UTC.
        file: where to.
        table: the format. In CSV times end in `Z`, lists are texts with `;` between, nothing is
            empty, and a text that a spreadsheet would take for a formula has an apostrophe before
            it. In Parquet everything has its type.
    """
    write = {Table.CSV: _write_csv, Table.PARQUET: _write_parquet}[table]
    n_rows = 0

    def counted() -> Iterator[pl.DataFrame]:
        nonlocal n_rows
        for frame in frames:
            n_rows += frame.height
            yield frame

    write(counted(), file)
    return n_rows


def _write_csv(frames: Iterable[pl.DataFrame], file: BinaryIO) -> None:
    is_first = True
    for frame in frames:
        text = frame.select(_cell(name, kind) for name, kind in frame.schema.items()).write_csv(
            include_header=is_first, datetime_format=_INSTANT
        )
        file.write(text.encode())
        is_first = False


def _cell(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(kind, pl.String):
        return guarded(column)
    if isinstance(kind, pl.List):
        return guarded(column.list.join(_BETWEEN_CODES))
    return column


def _write_parquet(frames: Iterable[pl.DataFrame], file: BinaryIO) -> None:
    from pyarrow import parquet  # noqa: PLC0415 - the other formats do without it

    writer: parquet.ParquetWriter | None = None
    for frame in frames:
        rows = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        if writer is None:
            writer = parquet.ParquetWriter(file, rows.schema, compression="zstd")
        writer.write_table(rows)
    if writer is not None:
        writer.close()
