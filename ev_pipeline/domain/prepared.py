"""Queries made ready: to write one anew takes longer than to run it on a small batch.

What lives here: a query that is written once and run on frames again and again. What does not: any
query.
"""

import threading
from collections.abc import Callable
from functools import partial

import polars as pl

_Schema = tuple[tuple[str, pl.DataType], ...]


class PreparedQuery:
    """A query whose expressions are made once for the schemas of its frames; any thread may run it.

    Args:
        query: what it makes of one or more lazy frames.
    """

    def __init__(self, query: Callable[..., pl.LazyFrame]) -> None:
        self._query = query
        self._plans: dict[tuple[_Schema, ...], pl.LazyFrame] = {}
        self._frames: tuple[pl.DataFrame, ...] = ()
        self._lock = threading.Lock()

    def run(self, *frames: pl.DataFrame) -> pl.DataFrame:
        """What the query makes of the frames."""
        schemas = tuple(tuple(frame.schema.items()) for frame in frames)
        with self._lock:
            plan = self._plans.get(schemas)
            if plan is None:
                plan = self._plans[schemas] = self._query(*self._sources(frames))
            self._frames = frames
            try:
                return plan.collect(optimizations=pl.QueryOptFlags.none())
            finally:
                self._frames = ()

    def _sources(self, frames: tuple[pl.DataFrame, ...]) -> list[pl.LazyFrame]:
        return [
            pl.defer(partial(self._frame, place), schema=frame.schema, validate_schema=False)
            for place, frame in enumerate(frames)
        ]

    def _frame(self, place: int) -> pl.DataFrame:
        return self._frames[place]
