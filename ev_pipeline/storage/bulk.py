"""Bulk writes: a polars frame goes into a table, without a Python object a row.

What lives here: the frame as COPY reads it, and as a statement does that need not be waited for.
What does not: which tables there are (`tables`, `staging`), and what happens with their rows.
"""

from functools import cache
from io import BytesIO
from typing import Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.storage.planned import later, planned, send_waiting

_INSTANT: Final = "%Y-%m-%dT%H:%M:%S%.6fZ"
"""Times are naive or UTC in every frame; the column's type decides whether the Z counts."""


FEW: Final = 400
"""Rows up to which `insert_few` is the faster way."""

_CHUNK_BYTES: Final = 1 << 18
"""What is sent at a time: the driver's own 8 KB would ask Python for every few rows."""


def copy_frame(connection: sa.Connection, table: str, frame: pl.DataFrame) -> None:
    """Append the frame's rows to the table, within the connection's transaction.

    Columns without a value are left out: most sources know half of the fields.

    Args:
        connection: whose transaction it happens in.
        table: the table, a name of ours.
        frame: columns named as the table's, one of them never null; lists hold codes only
            (letters, digits, underscores).
    """
    if frame.is_empty():
        return
    said = [column for column in frame if column.null_count() < frame.height]
    text = BytesIO()
    # Not a query: for a stream's few rows, one of so many expressions takes longer than the COPY.
    pl.DataFrame([_as_text(column) for column in said]).write_csv(
        text,
        include_header=False,
        datetime_format=_INSTANT,
        null_value="",
        quote_style="non_numeric",  # a line with a bare \. would end the COPY
    )
    text.seek(0)
    send_waiting(connection)
    columns = ", ".join(f'"{column.name}"' for column in said)
    cursor = connection.connection.cursor()
    try:
        cursor.copy_expert(
            f"copy {table} ({columns}) from stdin (format csv)", text, size=_CHUNK_BYTES
        )
    finally:
        cursor.close()


@cache
def _insertion(table: str) -> sa.TextClause:
    return planned(f"""
        insert into {table}
        select * from jsonb_populate_recordset(null::{table}, cast(:rows as jsonb))
    """)  # noqa: S608 -- a name of ours


def insert_few(connection: sa.Connection, table: str, frame: pl.DataFrame) -> None:
    """Append a few rows to the table, together with the connection's next statement.

    As `copy_frame` does, for which the connection would have to wait twice; for many rows that is
    less than what a text of names and values costs.

    Args:
        connection: whose transaction it happens in.
        table: the table, a name of ours, whose columns have no defaults.
        frame: columns named as the table's, none of bytes; times naive or UTC.
    """
    said = [column for column in frame.get_columns() if column.null_count() < frame.height]
    later(connection, _insertion(table), rows=pl.DataFrame(said).write_json())


def _as_text(column: pl.Series) -> pl.Series:
    """A column as CSV holds it: an array in braces, bytes as hexadecimal digits."""
    if isinstance(column.dtype, pl.List):
        return ("{" + column.list.join(",") + "}").alias(column.name)
    if isinstance(column.dtype, pl.Binary):
        return ("\\x" + column.bin.encode("hex")).alias(column.name)
    return column
