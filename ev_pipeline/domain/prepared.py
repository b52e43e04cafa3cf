"""Queries made ready: to write one anew takes longer than to run it on a small batch.

What lives here: a query that is written once and run on one frame after the other. What does not:
any query.
"""

import threading
from collections.abc import Callable

import polars as pl


class PreparedQuery:
    """A query whose expressions are made once for each schema; any thread may run it.

    Args:
        query: what it makes of a lazy frame.
    """

    def __init__(self, query: Callable[[pl.LazyFrame], pl.LazyFrame]) -> None:
        self._query = query
        self._plans: dict[tuple[tuple[str, pl.DataType], ...], pl.LazyFrame] = {}
        self._frame = pl.DataFrame()
        self._lock = threading.Lock()

    def run(self, frame: pl.DataFrame) -> pl.DataFrame:
        """What the query makes of the frame."""
        schema = tuple(frame.schema.items())
        with self._lock:
            plan = self._plans.get(schema)
            if plan is None:
                source = pl.defer(lambda: self._frame, schema=frame.schema, validate_schema=False)
                plan = self._plans[schema] = self._query(source)
            self._frame = frame
            try:
                return plan.collect()
            finally:
                self._frame = pl.DataFrame()
