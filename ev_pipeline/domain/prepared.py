"""Queries made ready: to write one anew takes longer than to run it on a small batch.

What lives here: a query that is written once and run on frames again and again. What does not: any
query.
"""

import threading
from collections.abc import Callable
from typing import Final

import polars as pl

_Schema = tuple[tuple[str, pl.DataType], ...]


AS_WRITTEN: Final = pl.QueryOptFlags.none()
"""For a query on few rows: to look for a better one takes longer than to run it."""


class PreparedQuery:
    """A query that is made once for the schema of its frame; any thread may run it.

    Worth it where making it takes long, as by narwhals: to put the frame into its place takes as
    long as to make a few expressions.

    Args:
        query: what it makes of a lazy frame.
    """

    def __init__(self, query: Callable[[pl.LazyFrame], pl.LazyFrame]) -> None:
        self._query = query
        self._plans: dict[_Schema, pl.LazyFrame] = {}
        self._frame = pl.DataFrame()
        self._lock = threading.Lock()

    def run(self, frame: pl.DataFrame) -> pl.DataFrame:
        """What the query makes of the frame."""
        schema = tuple(frame.schema.items())
        with self._lock:
            plan = self._plans.get(schema)
            if plan is None:
                plan = self._plans[schema] = self._query(self._source(frame.schema))
            self._frame = frame
            try:
                return plan.collect(optimizations=AS_WRITTEN)
            finally:
                self._frame = pl.DataFrame()

    def _source(self, schema: pl.Schema) -> pl.LazyFrame:
        """Whatever frame is held when the query runs."""
        return pl.LazyFrame(schema=schema).map_batches(
            lambda _: self._frame,
            schema=schema,
            validate_output_schema=False,
            predicate_pushdown=False,
            projection_pushdown=False,
            slice_pushdown=False,
        )
