"""KMeans on the session view: centres with numbers that do not depend on chance.

What lives here: fitting, numbering by size, and the nearest centre of any session.
What does not: how many clusters there should be (a setting), what they are called.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.models.artifact import pack, unpack
from ev_pipeline.domain.models.values import Floats, Integers, SessionValues
from ev_pipeline.domain.models.view import SessionView

KIND: Final = "kmeans"
N_INIT: Final = 10
MAX_FIT_SESSIONS: Final = 200_000
"""Centres move by less than a thousandth of a scale beyond it; bounds the time of a retrain."""


@dataclass(frozen=True, slots=True)
class KMeansModel:
    """Cluster centres in the session view; cluster 0 is the largest.

    Args:
        view: the view's frozen limits and scales.
        centres: one row a cluster, five columns.
    """

    view: SessionView
    centres: Floats

    @classmethod
    def fit(cls, values: SessionValues, *, k: int, seed: int) -> Self:
        """Fit k centres.

        Args:
            values: sessions to fit on, in an order that does not depend on chance.
            k: number of clusters.
            seed: seed of the starts and, beyond `MAX_FIT_SESSIONS`, of the sample.

        Raises:
            PipelineError: there are fewer than k different sessions.
        """
        from sklearn.cluster import KMeans  # noqa: PLC0415 - only training pays for it

        view = SessionView.fit(values)
        rows = view.transform(values).T
        if len(rows) > MAX_FIT_SESSIONS:
            chosen = np.random.default_rng(seed).choice(
                len(rows), MAX_FIT_SESSIONS, replace=False, shuffle=False
            )
            rows = rows[np.sort(chosen)]
        n_different = len(np.unique(rows, axis=0))
        if n_different < k:
            raise PipelineError(
                f"{k} clusters need at least {k} different sessions, and there are {n_different}",
                mend="load more sessions, or set EV_CLUSTERS to fewer",
            )
        # Threads add their partial sums in any order, which would change the last bits.
        with threadpool_limits(limits=1):
            fitted = KMeans(n_clusters=k, n_init=N_INIT, random_state=seed).fit(rows)
        sizes = np.bincount(fitted.labels_, minlength=k)
        centres = fitted.cluster_centers_
        order = np.lexsort((*centres.T[::-1], -sizes))
        return cls(view=view, centres=np.ascontiguousarray(centres[order]))

    def distances(self, values: SessionValues) -> Floats:
        """Distance of each session to each centre in the view, shape (clusters, sessions)."""
        columns = self.view.transform(values)
        # Column by column: a matrix product may round a row differently in another batch.
        squares = np.zeros((len(self.centres), len(values)))
        for cluster, centre in enumerate(self.centres):
            for column, position in zip(columns, centre, strict=True):
                squares[cluster] += (column - position) ** 2
        distances: Floats = np.sqrt(squares)
        return distances

    def predict(self, values: SessionValues) -> Integers:
        """The cluster of the nearest centre, the lower number of equals."""
        nearest: Integers = self.distances(values).argmin(axis=0)
        return nearest

    def to_bytes(self) -> bytes:
        """The model as an artifact."""
        return pack(KIND, {"centres": self.centres, **self.view.arrays()})

    @classmethod
    def from_bytes(cls, artifact: bytes) -> Self:
        """The model that `artifact` was made of."""
        arrays, _ = unpack(KIND, artifact)
        return cls(view=SessionView.from_arrays(arrays), centres=arrays["centres"])
