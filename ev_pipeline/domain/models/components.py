"""Connected groups of points that lie near each other, in memory that grows with n, not n².

What lives here: the graph part of DBSCAN, exact, by k-d trees.
What does not: which points are dense enough to count (`dbscan`).

Nearest neighbours give most connections at once; the pieces that remain are then grown, one piece
at a time, by asking the others for their nearest point of it: no list of all pairs is ever made,
of which dense regions have billions.
"""

import numpy as np

from ev_pipeline.domain.models.nearest import nearest_within, tree_of
from ev_pipeline.domain.models.values import Booleans, Floats, Integers


def connect(points: Floats, eps: float, neighbours: Integers, distances: Floats) -> Integers:
    """Number the groups of points that a chain of steps of at most eps connects.

    Args:
        points: one row a point.
        eps: longest step.
        neighbours: positions of some near points of each, one row a point; -1 for none.
        distances: how far those are.

    Returns:
        Group of each point; group 0 is the largest, the one with the earliest point of equals.
    """
    pieces = _link_neighbours(neighbours, (distances <= eps) & (neighbours >= 0))
    groups = np.full(len(points), -1, dtype=np.int64)
    for group, seed_piece in enumerate(np.argsort(-np.bincount(pieces), kind="stable")):
        members = (pieces == seed_piece) & (groups < 0)
        if members.any():
            _grow(points, eps, pieces, groups, group=group, frontier=members)
    return _by_size(groups)


def _by_size(groups: Integers) -> Integers:
    """The groups numbered from the largest to the smallest, the earliest first among equals."""
    _, first, inverse, counts = np.unique(
        groups, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -counts))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[inverse]


def _link_neighbours(neighbours: Integers, is_step: Booleans) -> Integers:
    from scipy.sparse import coo_array  # noqa: PLC0415 - only training pays for it
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 - the same

    rows, columns = np.nonzero(is_step)
    ends = neighbours[rows, columns]
    n = len(neighbours)
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, ends)), shape=(n, n))
    _, pieces = connected_components(graph, directed=False)
    return pieces.astype(np.int64)


def _grow(
    points: Floats,
    eps: float,
    pieces: Integers,
    groups: Integers,
    *,
    group: int,
    frontier: Booleans,
) -> None:
    """Give `group` to the frontier and to every piece that it reaches, step by step."""
    groups[frontier] = group
    while True:
        waiting = np.flatnonzero(groups < 0)
        if not len(waiting):
            return
        reached = nearest_within(tree_of(points[frontier]), points[waiting], eps) >= 0
        touched = np.unique(pieces[waiting[reached]])
        if not len(touched):
            return
        frontier = np.isin(pieces, touched) & (groups < 0)
        groups[frontier] = group
