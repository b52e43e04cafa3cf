"""Centres of groups of rows by Lloyd's method: the same for the same rows and seed.

What lives here: one way to fit centres, on one thread, until no row changes its group.
What does not: which columns the rows have (`view`, `structure`), how many centres are right
(`selection`).

References:
    Arthur and Vassilvitskii (2007): k-means++, the advantages of careful seeding.
"""

import warnings
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # it ships no types

from ev_pipeline.domain.models.values import Floats, Integers

if TYPE_CHECKING:
    from sklearn.cluster import KMeans

SETTLED: Final = 0.0
"""Tolerance with which a fit ends where no row changes: settled centres settle where they are."""

_MAX_STEPS: Final = 1_000
"""Real sets settle within 150; a bound for rows that have no groups."""


@dataclass(frozen=True, slots=True)
class Centres:
    """Fitted centres.

    Args:
        rows: one row a centre.
        members: the group of each row that was fitted on.
        inertia: sum of the squared distances to the nearest centre.
    """

    rows: Floats
    members: Integers
    inertia: float

    @classmethod
    def fit(
        cls, rows: Floats, k: int, *, seed: int, n_starts: int, tolerance: float = SETTLED
    ) -> Self:
        """The best of several starts.

        Args:
            rows: what to group.
            k: number of centres.
            seed: seed of the starts.
            n_starts: how many.
            tolerance: movement of the centres, as a share of the variance, that ends a start.
        """
        from sklearn.cluster import KMeans  # noqa: PLC0415 - only training pays for it

        method = KMeans(
            n_clusters=k, n_init=n_starts, random_state=seed, tol=tolerance, max_iter=_MAX_STEPS
        )
        return cls._of(method, rows)

    @classmethod
    def settle(cls, rows: Floats, start: Floats) -> Self:
        """The centres to which `start` moves on these rows."""
        from sklearn.cluster import KMeans  # noqa: PLC0415 - only training pays for it

        method = KMeans(
            n_clusters=len(start), init=start, n_init=1, tol=SETTLED, max_iter=_MAX_STEPS
        )
        return cls._of(method, rows)

    @classmethod
    def _of(cls, method: "KMeans", rows: Floats) -> Self:
        from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - only training pays

        # Threads add their partial sums in any order, which would change the last bits.
        with _threads().limit(limits=1), warnings.catch_warnings():
            # Rows drawn again may hold fewer different ones than centres; agreement tells of that.
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted = method.fit(rows)
        return cls(fitted.cluster_centers_, fitted.labels_.astype(np.int64), float(fitted.inertia_))


@cache
def _threads() -> ThreadpoolController:
    """Who limits threads: looking for the libraries that have some takes longer than a fit."""
    return ThreadpoolController()


def nearest_centre(rows: Floats, centres: Floats) -> Integers:
    """Position of the nearest centre of each row, the lower one of equals."""
    squares = np.stack([((rows - centre) ** 2).sum(axis=1) for centre in centres])
    nearest: Integers = squares.argmin(axis=0)
    return nearest
