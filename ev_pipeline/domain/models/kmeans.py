"""KMeans on the session view: centres with numbers that do not depend on chance.

What lives here: fitting, and the nearest centre of any session.
What does not: how many clusters there should be (`selection`), which numbers and names go on from a
former model (`matching`, `naming`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.models.artifact import pack, unpack
from ev_pipeline.domain.models.centres import Centres
from ev_pipeline.domain.models.samples import sample_positions
from ev_pipeline.domain.models.values import Floats, Integers, SessionValues
from ev_pipeline.domain.models.view import SessionView

KIND: Final = "kmeans"
N_INIT: Final = 10
MAX_FIT_SESSIONS: Final = 200_000
"""Centres move by less than a thousandth of a scale beyond it; bounds the time of a retrain."""

START_SESSIONS: Final = 20_000
"""Starts are tried on as many; the best then settles on all."""

NEAR_BEST_INERTIA: Final = 1.01
"""A former model's centres are kept where they settle this near the best: a hundredth of the
spread within clusters is not worth other groups each night."""


@dataclass(frozen=True, slots=True)
class KMeansModel:
    """Cluster centres in the session view.

    Args:
        view: the view's frozen limits and scales.
        centres: one row a cluster, five columns.
        numbers: each cluster's number, ascending; in a first model cluster 0 is the largest.
        names: each cluster's name; its number where it deserves none.
    """

    view: SessionView
    centres: Floats
    numbers: Integers
    names: tuple[str, ...]

    @classmethod
    def fit(
        cls, values: SessionValues, *, k: int, seed: int, former: "KMeansModel | None" = None
    ) -> Self:
        """Fit k centres, numbered by size.

        Args:
            values: sessions to fit on, in an order that does not depend on chance.
            k: number of clusters.
            seed: seed of the starts and, beyond `MAX_FIT_SESSIONS`, of the sample.
            former: a model whose centres are one more start.

        Raises:
            PipelineError: there are fewer than k different sessions.
        """
        view = SessionView.fit(values)
        chosen = sample_positions(len(values), MAX_FIT_SESSIONS, seed=seed)
        rows = view.transform(values.at(chosen)).T
        n_different = _count_rows(rows)
        if n_different < k:
            raise PipelineError(
                f"{k} clusters need at least {k} different sessions, and there are {n_different}",
                mend="load more sessions, or set EV_CLUSTERS to fewer",
            )
        some = rows[sample_positions(len(rows), START_SESSIONS, seed=seed)]
        best = Centres.fit(some, k, seed=seed, n_starts=N_INIT)
        fitted = Centres.settle(rows, best.rows)
        if former is not None and len(former.centres) == k:
            warm = Centres.settle(rows, view.seen_from(former.view, former.centres))
            fitted = warm if warm.inertia <= NEAR_BEST_INERTIA * fitted.inertia else fitted
        order = np.lexsort((*fitted.rows.T[::-1], -np.bincount(fitted.members, minlength=k)))
        centres = np.ascontiguousarray(fitted.rows[order])
        return cls(view, centres, np.arange(k), tuple(map(str, range(k))))

    def numbered(self, numbers: Integers) -> Self:
        """The same clusters with these numbers, which are their names too."""
        order = np.argsort(numbers)
        return replace(
            self,
            centres=np.ascontiguousarray(self.centres[order]),
            numbers=numbers[order],
            names=tuple(str(number) for number in numbers[order]),
        )

    def named(self, names: Sequence[str]) -> Self:
        """The same clusters with these names, in the order of their numbers."""
        return replace(self, names=tuple(names))

    @property
    def name_of(self) -> dict[int, str]:
        """Each cluster's name by its number."""
        return dict(zip(self.numbers.tolist(), self.names, strict=True))

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
        """The number of the cluster whose centre is nearest, the lower number of equals."""
        nearest: Integers = self.numbers[self.distances(values).argmin(axis=0)]
        return nearest

    def to_bytes(self) -> bytes:
        """The model as an artifact."""
        arrays = {"centres": self.centres, "numbers": self.numbers, **self.view.arrays()}
        return pack(KIND, arrays, {"names": list(self.names)})

    @classmethod
    def from_bytes(cls, artifact: bytes) -> Self:
        """The model that `artifact` was made of."""
        arrays, metadata = unpack(KIND, artifact)
        # Models of the first version had neither: their clusters count from 0.
        numbers = arrays.get("numbers", np.arange(len(arrays["centres"])))
        names = metadata.get("names", [str(number) for number in numbers])
        return cls(SessionView.from_arrays(arrays), arrays["centres"], numbers, tuple(names))


def count_different(values: SessionValues) -> int:
    """How many sessions differ in the view fitted on them: no more clusters can be fitted."""
    return _count_rows(SessionView.fit(values).transform(values).T)


def _count_rows(rows: Floats) -> int:
    return len(np.unique(rows, axis=0))
