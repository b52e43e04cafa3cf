"""Nearest points by a k-d tree, with one type of answer.

What lives here: the queries that the density model makes.
What does not: what near points mean (`dbscan`, `components`).
"""

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from ev_pipeline.domain.models.values import Floats, Integers

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

_PARALLEL_FROM: Final = 10_000
"""Below it starting threads costs more than they save; each point's answer is the same."""


def tree_of(points: Floats) -> "cKDTree":
    """The points, ready to be asked for the nearest."""
    from scipy.spatial import cKDTree  # noqa: PLC0415 - 0.2 s, which only models pay

    return cKDTree(points)


def nearest_neighbours(points: Floats, k: int) -> tuple[Floats, Integers]:
    """Distances and positions of each point's k nearest, itself first; one row a point."""
    distances, neighbours = tree_of(points).query(points, k=k, workers=_workers(points))
    return np.asarray(distances), np.asarray(neighbours, dtype=np.int64)


def nearest_within(tree: "cKDTree", points: Floats, eps: float) -> Integers:
    """Position in the tree of the nearest point at most eps away; -1 where there is none."""
    distances, nearest = tree.query(
        # The tree's own bound excludes its end.
        points,
        distance_upper_bound=np.nextafter(eps, np.inf),
        workers=_workers(points),
    )
    return np.where(np.isfinite(distances), np.asarray(nearest, dtype=np.int64), -1)


def _workers(points: Floats) -> int:
    """As many threads as everything else here has, which a process may have been told."""
    return pl.thread_pool_size() if len(points) >= _PARALLEL_FROM else 1
