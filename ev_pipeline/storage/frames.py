"""What PostgreSQL holds as polars frames, by way of Arrow.

What lives here: running a query, at once or as its rows arrive, and turning its columns into plain
polars types.
What does not: the queries.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, Final

import adbc_driver_manager
import polars as pl
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGDialect

_DIALECT: Final = PGDialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
"""Writes `:name` as `$1`, which is what the Arrow driver understands."""

_UUID_BLOCKS: Final = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))
"""Offset and length of the five blocks of a UUID's 32 hexadecimal digits."""


def read_frame(
    engine: sa.Engine, sql: str, params: Mapping[str, Any] | None = None
) -> pl.DataFrame:
    """The rows of one query.

    Args:
        engine: says where the database is; the query runs on a connection of its own.
        sql: the query, with parameters written as `:name`.
        params: their values; write `cast(:name as type)`, for `:name::type` is not understood.

    Returns:
        A frame in which a uuid is text, jsonb is its JSON text, and numeric is a float: ask for
        `::text` where every digit counts.

    Raises:
        TypeError: a column is of a type that has no place in a frame; cast it in the query.
    """
    from adbc_driver_postgresql import dbapi  # noqa: PLC0415 - brings pandas: 0.8 s

    compiled = sa.text(sql).compile(dialect=_DIALECT)
    values = [(params or {})[name] for name in getattr(compiled, "positiontup", None) or ()]
    with closing(dbapi.connect(_address(engine))) as connection, connection.cursor() as cursor:
        cursor.execute(str(compiled), values or None)
        table = cursor.fetch_arrow_table()
    return _to_polars(table)


def read_batches(
    engine: sa.Engine, sql: str, params: Mapping[str, Any] | None = None
) -> Iterator[pl.DataFrame]:
    """The rows of one query as they arrive, in bounded memory, all of one moment.

    Args:
        engine: says where the database is; the query runs on a connection of its own.
        sql: the query, with parameters written as `%(name)s`.
        params: their values.

    Yields:
        Frames as of `read_frame`, at least one, which may be empty.

    Raises:
        TypeError: as `read_frame`.
        adbc_driver_manager.OperationalError: the database is lost on the way.
    """
    from adbc_driver_postgresql import dbapi  # noqa: PLC0415 - as above

    with closing(dbapi.connect(_address(engine))) as connection, connection.cursor() as cursor:
        cursor.execute(_with_values(engine, sql, params))
        reader = cursor.fetch_record_batch()
        is_empty = True
        for batch in _arriving(reader):
            is_empty = False
            yield _to_polars(pa.Table.from_batches([batch]))
        if is_empty:
            yield _to_polars(reader.schema.empty_table())


def _arriving(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """The batches; a connection that is lost on the way is the driver's error, as elsewhere."""
    try:
        yield from reader
    except OSError as error:
        raise adbc_driver_manager.OperationalError(
            str(error), status_code=adbc_driver_manager.AdbcStatusCode.IO
        ) from error


def _with_values(engine: sa.Engine, sql: str, params: Mapping[str, Any] | None) -> str:
    """The query with its values written out: with bound ones its rows come all at once."""
    with engine.connect() as connection, closing(connection.connection.cursor()) as cursor:
        # The driver's own method, which SQLAlchemy's interface does not name.
        written: bytes = cursor.mogrify(sql, dict(params or {}))
        return written.decode()


def _address(engine: sa.Engine) -> str:
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def _to_polars(table: pa.Table) -> pl.DataFrame:
    columns = {
        field.name: _plain(field, column)
        for field, column in zip(table.schema, table.columns, strict=True)
    }
    return pl.DataFrame(columns)


def _plain(field: pa.Field, column: pa.ChunkedArray) -> pl.Series:
    if not isinstance(field.type, pa.BaseExtensionType):
        return _series(field, column)
    storage = _series(field, _storage(column))
    kind = field.type.extension_name
    if kind == "arrow.uuid":
        return _uuid_text(storage)
    if kind == "arrow.json":
        return storage
    if getattr(field.type, "type_name", "") == "numeric":
        return storage.cast(pl.Float64)
    raise TypeError(f"column {field.name} is {field.type}: cast it in the query")


def _storage(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array(
        [chunk.storage for chunk in column.chunks], type=column.type.storage_type
    )


def _series(field: pa.Field, column: pa.ChunkedArray) -> pl.Series:
    try:
        converted = pl.from_arrow(column)
    except pl.exceptions.ComputeError as error:
        raise TypeError(f"column {field.name} is {field.type}: cast it in the query") from error
    if not isinstance(converted, pl.Series):
        raise TypeError(f"column {field.name} is {field.type}: cast it in the query")
    return converted


def _uuid_text(storage: pl.Series) -> pl.Series:
    digits = pl.col("uuid").cast(pl.Binary).bin.encode("hex")
    blocks = [digits.str.slice(offset, length) for offset, length in _UUID_BLOCKS]
    return storage.to_frame("uuid").select(pl.concat_str(blocks, separator="-")).to_series()
