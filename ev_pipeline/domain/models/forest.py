"""An isolation forest as flat arrays, with the very scores of scikit-learn's.

What lives here: flattening fitted trees, and scoring any number of sessions without scikit-learn.
What does not: what the forest looks at (`residuals`), when a score is an anomaly (`anomaly`).

References:
    Liu, Ting, Zhou (2008): Isolation Forest.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from numpy.typing import NDArray

from ev_pipeline.domain.models.values import Floats

if TYPE_CHECKING:
    from sklearn.ensemble import IsolationForest

N_TREES: Final = 100
MAX_SAMPLES: Final = 256
"""Sessions a tree sees: the paper's choice, beyond which detection does not improve."""

_CHUNK: Final = 256
"""Rows walked at once: with 100 trees their positions fit a core's second cache."""


@dataclass(frozen=True, slots=True)
class FlatForest:
    """Every node of every tree in one row of arrays; a leaf is its own left and right child.

    Args:
        roots: node of each tree's root.
        column: column that a node asks for; 0 in a leaf.
        limit: up to this value, in single precision, a row goes left.
        left: node to the left.
        right: node to the right.
        path: in a leaf, its depth and the depth expected below it; 0 elsewhere.
        depth: steps from a root to the deepest leaf.
        normal_path: sum over the trees of the path that an ordinary row has.
    """

    roots: NDArray[np.int32]
    column: NDArray[np.int32]
    limit: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    path: Floats
    depth: int
    normal_path: float

    @classmethod
    def fit(cls, rows: Floats, *, seed: int) -> Self:
        """Fit a forest on rows, one a session, and flatten it."""
        from sklearn.ensemble import IsolationForest  # noqa: PLC0415 - only training pays for it

        fitted = IsolationForest(
            n_estimators=N_TREES, max_samples=min(MAX_SAMPLES, len(rows)), random_state=seed
        ).fit(rows)
        return cls.flatten(fitted)

    @classmethod
    def flatten(cls, fitted: "IsolationForest") -> Self:
        """The arrays of a fitted forest."""
        trees = [estimator.tree_ for estimator in fitted.estimators_]
        sizes = np.array([tree.node_count for tree in trees])
        roots = np.cumsum(sizes) - sizes
        depths = [_node_depths(tree.children_left, tree.children_right) for tree in trees]
        is_leaf = np.concatenate([tree.children_left < 0 for tree in trees])
        n_samples = np.concatenate([tree.n_node_samples for tree in trees])
        offset = np.repeat(roots, sizes)
        own = np.arange(len(offset))
        left = np.concatenate([tree.children_left for tree in trees]) + offset
        right = np.concatenate([tree.children_right for tree in trees]) + offset
        column = np.concatenate([tree.feature for tree in trees])
        limit = np.concatenate([tree.threshold for tree in trees])
        depth = np.concatenate(depths)
        # The same order of additions as scikit-learn's: its scores are met to the last bit.
        path = (depth + 1.0) + _expected_path(n_samples) - 1.0
        return cls(
            roots=roots.astype(np.int32),
            column=np.where(is_leaf, 0, column).astype(np.int32),
            limit=_round_down(np.where(is_leaf, 0.0, limit)),
            left=np.where(is_leaf, own, left).astype(np.int32),
            right=np.where(is_leaf, own, right).astype(np.int32),
            path=np.where(is_leaf, path, 0.0),
            depth=int(depth.max()),
            normal_path=len(trees) * float(_expected_path(np.array([fitted.max_samples_]))[0]),
        )

    def scores(self, columns: Floats) -> Floats:
        """How odd each session is, from 0 to 1: the negative of scikit-learn's `score_samples`.

        Args:
            columns: shape (columns, sessions).
        """
        rows = np.ascontiguousarray(columns.T, dtype=np.float32)
        lengths = np.empty(len(rows))
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            lengths[start : start + len(chunk)] = self._path_lengths(chunk)
        scores: Floats = 2 ** -(lengths / self.normal_path)
        return scores

    def _path_lengths(self, rows: NDArray[np.float32]) -> Floats:
        flat = rows.ravel()
        first = np.arange(len(rows), dtype=np.int32) * rows.shape[1]
        node = np.repeat(self.roots, len(rows)).reshape(len(self.roots), len(rows))
        for _ in range(self.depth):
            value = flat.take(self.column.take(node) + first)
            goes_left = value <= self.limit.take(node)
            node = np.where(goes_left, self.left.take(node), self.right.take(node))
        # Accumulated tree by tree: a plain sum may group a single row's terms in another way.
        lengths: Floats = np.add.accumulate(self.path.take(node), axis=0)[-1]
        return lengths


def _node_depths(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Steps from the root to each node; children always stand behind their parent."""
    depths = np.zeros(len(left), dtype=np.int64)
    for node in np.flatnonzero(left >= 0):
        depths[[left[node], right[node]]] = depths[node] + 1
    return depths


def _expected_path(n_samples: NDArray[np.int64]) -> Floats:
    """Mean length of an unsuccessful search in a binary tree of so many samples (Liu, eq. 1)."""
    n = np.maximum(n_samples, 3).astype(np.float64)
    many = 2.0 * (np.log(n - 1.0) + np.euler_gamma) - 2.0 * (n - 1.0) / n
    return np.where(n_samples <= 1, 0.0, np.where(n_samples == 2, 1.0, many))  # noqa: PLR2004 - a pair is one step


def _round_down(limits: Floats) -> NDArray[np.float32]:
    """The greatest single-precision number not above: it parts single-precision rows the same."""
    single = limits.astype(np.float32)
    is_above = single.astype(np.float64) > limits
    rounded: NDArray[np.float32] = np.where(
        is_above, np.nextafter(single, np.float32(-np.inf)), single
    )
    return rounded
