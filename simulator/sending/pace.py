"""When the next session is reported: at an interval, at random, or as the source's clock says.

What lives here: due times. What does not: waiting for them (`simulation`).
"""

from collections.abc import Callable
from random import Random

from simulator.rows import Row

Pace = Callable[[Row], float]
"""When a row is due, s since the start; called once a row, in order."""


def at_interval(interval_s: float) -> Pace:
    """One every so often, the first at once."""
    n_rows = -1

    def due(_row: Row) -> float:
        nonlocal n_rows
        n_rows += 1
        return n_rows * interval_s

    return due


def at_random(mean_interval_s: float, rng: Random) -> Pace:
    """A Poisson process: gaps are exponential, whatever came before."""
    due_s = 0.0

    def due(_row: Row) -> float:
        nonlocal due_s
        due_s += rng.expovariate(1 / mean_interval_s)
        return due_s

    return due


def by_the_source(speed: float, starts_s: float | None = None) -> Pace:
    """Each when it ended, on a clock that runs `speed` times as fast as real time.

    Args:
        speed: how fast.
        starts_s: what that clock shows at the start, Unix time, s; the first row's end if null.
    """
    due_s = 0.0

    def due(row: Row) -> float:
        nonlocal starts_s, due_s
        if row.ended_s is not None:
            if starts_s is None:
                starts_s = row.ended_s
            due_s = max(due_s, (row.ended_s - starts_s) / speed)
        return due_s

    return due
