"""Which cluster of a new model is which of a former one.

What lives here: the assignment, and the numbers that follow from it.
What does not: names (`naming`), whether the new model is shown (`promotion`).

References:
    Kuhn (1955): The Hungarian method for the assignment problem.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from ev_pipeline.domain.models.kmeans import KMeansModel
from ev_pipeline.domain.models.values import Integers

MOST_OF_THE_WAY: Final = 0.5
"""Of the way from a former centre to its nearest neighbour: a new centre further off is as much
like another cluster, so it is a new one."""


@dataclass(frozen=True, slots=True)
class Matching:
    """How the clusters of two models belong together.

    Args:
        former: number of the former model's cluster for each new one, -1 where it is new.
        gone: numbers of the former model's clusters that the new one has not.
    """

    former: Integers
    gone: tuple[int, ...]

    @classmethod
    def between(cls, new: KMeansModel, former: KMeansModel) -> Self:
        """Match the clusters whose centres are near, seen in the former model's scale."""
        from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - only training pays
        from scipy.spatial.distance import cdist  # noqa: PLC0415 - the same

        seen = former.view.seen_from(new.view, new.centres)
        distances = cdist(seen, former.centres)
        between = cdist(former.centres, former.centres)
        np.fill_diagonal(between, np.inf)
        reach = MOST_OF_THE_WAY * between.min(axis=1)
        matched = np.full(len(new.centres), -1, dtype=np.int64)
        for row, column in zip(*linear_sum_assignment(distances), strict=True):
            if distances[row, column] < reach[column]:
                matched[row] = former.numbers[column]
        gone = set(former.numbers.tolist()) - set(matched.tolist())
        return cls(matched, tuple(sorted(gone)))

    @property
    def kept(self) -> tuple[int, ...]:
        """Numbers of the former model's clusters that go on."""
        return tuple(sorted(number for number in self.former.tolist() if number >= 0))

    @property
    def numbers(self) -> Integers:
        """The new clusters' numbers: a match keeps its own, a new one takes the lowest free.

        Numbers of clusters that are gone are not free: a chart would show another group in their
        colour.
        """
        taken = {*self.former.tolist(), *self.gone}
        free = (number for number in range(len(taken) + len(self.former)) if number not in taken)
        return np.array(
            [number if number >= 0 else next(free) for number in self.former.tolist()],
            dtype=np.int64,
        )
