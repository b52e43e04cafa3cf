"""A writer beside a promotion: stores sessions all the while, and times how long each took.

What lives here: that process. What does not: the promotion.
"""

import multiprocessing
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from typing import Any, Final

import numpy as np
import polars as pl
import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline.storage.engine import connect
from ev_pipeline_tests.storage.sample import sample_sessions, store

_BATCH: Final = 20
_WARM_UP: Final = 20


class Waits:
    """How long transactions of a few sessions took while something else went on."""

    def __init__(self) -> None:
        self.ms = np.empty(0)

    def spread_ms(self) -> dict[str, float]:
        """Median, 99th percentile and maximum."""
        p50, p99, most = np.quantile(self.ms, [0.5, 0.99, 1.0]).tolist()
        return {"p50": p50, "p99": p99, "most": most}


@contextmanager
def writing(url: str) -> Iterator[Waits]:
    """Within, sessions are stored as the stream stores them: under the champion that is read."""
    spawn = multiprocessing.get_context("spawn")
    ready, stop, answers = spawn.Event(), spawn.Event(), spawn.Queue()
    process = spawn.Process(target=_write, args=(url, ready, stop, answers))
    process.start()
    ready.wait()
    waits = Waits()
    try:
        yield waits
    finally:
        stop.set()
        waits.ms = np.array(answers.get())
        process.join()


def _write(url: str, ready: Event, stop: Event, answers: Any) -> None:
    engine = connect(Settings(database_url=url))
    ms = []
    while not stop.is_set():
        batch = sample_sessions()[:_BATCH].with_columns(_new_ids())
        start = time.perf_counter()
        with engine.begin() as connection:
            connection.execute(sa.text("select version from ev_model where is_champion for share"))
            store(connection, batch)
        ms.append(1000 * (time.perf_counter() - start))
        if len(ms) == _WARM_UP and not ready.is_set():
            ms.clear()
            ready.set()
    answers.put(ms)


def _new_ids() -> list[pl.Series]:
    ids = [str(uuid.uuid4()) for _ in range(_BATCH)]
    return [pl.Series("session_id", ids), pl.Series("source_session_id", ids)]
