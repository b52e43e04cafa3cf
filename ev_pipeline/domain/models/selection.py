"""How many clusters: the largest number that is stable, balanced, and better than chance.

What lives here: the candidates, their gates, and the choice among them.
What does not: fitting the model itself (`kmeans`), whether there is structure (`structure`).

References:
    Hennig (2007): Cluster-wise assessment of cluster stability.
    Hubert and Arabie (1985): Comparing partitions (the adjusted Rand index).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from ev_pipeline.domain.models.centres import Centres, nearest_centre
from ev_pipeline.domain.models.kmeans import N_INIT, KMeansModel, count_different
from ev_pipeline.domain.models.samples import sample_positions
from ev_pipeline.domain.models.separation import (
    SILHOUETTE_SESSIONS,
    distances_between,
    permuted,
    silhouettes,
)
from ev_pipeline.domain.models.values import Floats, Integers, SessionValues
from ev_pipeline.domain.models.view import SessionView

CLUSTER_COUNTS: Final = (3, 4, 5, 6, 7)

N_REFITS: Final = 15
LEAST_AGREEMENT: Final = 0.8
"""Median adjusted Rand index of refits on sessions drawn again."""

LEAST_TEMPORAL_AGREEMENT: Final = 0.6
"""Adjusted Rand index of models fitted on the earlier and on the later sessions, on the latter."""

LEAST_SHARE: Final = 0.05
MOST_SHARE: Final = 0.6
"""A smaller cluster is an oddity, a larger one says nothing of most sessions."""

NEAR_BEST_GAIN: Final = 0.02
"""Gains this near are equal: then more clusters tell more."""

CLEAR_GAIN: Final = 0.03
CLEAR_SILHOUETTE: Final = 0.27
"""What real sets reach whose groups a person would tell apart; no gates, but preferred."""

FIT_SESSIONS: Final = 20_000
"""Sessions on which candidates are fitted; centres move by less than 0.02 of a scale beyond it."""

_EARLIER_SHARE: Final = 0.6
_REFIT_SESSIONS: Final = 5_000
_REFIT_STARTS: Final = 5
_N_PERMUTED: Final = 5
"""Means of as many silhouettes vary by less than 0.003."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A number of clusters, measured.

    Args:
        k: the number.
        silhouette: mean silhouette.
        null_silhouette: the same procedure's on permuted sessions, on average.
        agreement: median agreement of refits on sessions drawn again.
        temporal_agreement: of a model of the earlier with one of the later sessions, on the latter.
        smallest_share: share of the sessions in the smallest cluster.
        largest_share: share in the largest.
    """

    k: int
    silhouette: float
    null_silhouette: float
    agreement: float
    temporal_agreement: float
    smallest_share: float
    largest_share: float

    @property
    def gain(self) -> float:
        """How much more separate the clusters are than those of permuted sessions."""
        return self.silhouette - self.null_silhouette

    @property
    def failed_gates(self) -> list[str]:
        """What speaks against this number, in words with figures; nothing where it is valid."""
        gates = (
            (self.agreement >= LEAST_AGREEMENT, f"refits agree by {self.agreement:.2f} only"),
            (self.smallest_share >= LEAST_SHARE, f"one holds {self.smallest_share:.1%} only"),
            (self.largest_share <= MOST_SHARE, f"one holds {self.largest_share:.1%}"),
            (
                self.temporal_agreement >= LEAST_TEMPORAL_AGREEMENT,
                f"earlier and later sessions agree by {self.temporal_agreement:.2f} only",
            ),
        )
        return [said for passed, said in gates if not passed]

    @property
    def n_marks(self) -> int:
        """2 where it is clearly better than chance and clearly separate, 1 for the first alone."""
        if self.gain < CLEAR_GAIN:
            return 0
        return 1 + (self.silhouette >= CLEAR_SILHOUETTE)

    @property
    def is_valid(self) -> bool:
        """Whether every gate is passed."""
        return not self.failed_gates

    def as_measures(self) -> dict[str, Any]:
        """The figures, for JSON."""
        return {**asdict(self), "gain": self.gain, "failed_gates": self.failed_gates}


def measure_candidates(
    values: SessionValues, started: Floats, counts: Sequence[int], *, seed: int
) -> list[Candidate]:
    """Measure each number of clusters on one sample of the sessions.

    Args:
        values: sessions, in an order that does not depend on chance.
        started: their plug-in, in any unit of time that grows.
        counts: numbers of clusters.
        seed: seed of everything random.
    """
    chosen = sample_positions(len(values), FIT_SESSIONS, seed=seed)
    sample, times = values.at(chosen), started[chosen]
    rows = SessionView.fit(sample).transform(sample).T
    shown = sample_positions(len(rows), SILHOUETTE_SESSIONS, seed=seed)
    distances = distances_between(rows[shown])
    nulls = _null_silhouettes(sample, counts, seed=seed)
    by_time = np.argsort(times, kind="stable")
    measured = []
    for k in counts:
        fitted = Centres.fit(rows, k, seed=seed, n_starts=N_INIT)
        shares = np.bincount(fitted.members, minlength=k) / len(rows)
        measured.append(
            Candidate(
                k=k,
                silhouette=float(silhouettes(distances, fitted.members[shown]).mean()),
                null_silhouette=nulls[k],
                agreement=_refit_agreement(rows, fitted, seed=seed),
                temporal_agreement=_temporal_agreement(sample, by_time, k, seed=seed),
                smallest_share=float(shares.min()),
                largest_share=float(shares.max()),
            )
        )
    return measured


def choose(candidates: Sequence[Candidate], *, preferred: int | None = None) -> Candidate:
    """The largest valid number whose gain is near the best; without a valid one the best gain.

    Of numbers that are near, those go first that are clearly better than chance, and of these the
    clearly separate ones: fewer groups that stand apart say more than many that run into another.

    Args:
        candidates: the numbers, measured; at least one.
        preferred: the champion's number, which is kept where it is as good as any.
    """
    valid = [each for each in candidates if each.is_valid]
    if not valid:
        return max(candidates, key=lambda each: each.gain)
    best = max(each.gain for each in valid)
    near = [each for each in valid if each.gain >= best - NEAR_BEST_GAIN]
    return max(near, key=lambda each: (each.k == preferred, each.n_marks, each.k))


def _null_silhouettes(
    sample: SessionValues, counts: Sequence[int], *, seed: int
) -> dict[int, float]:
    random = np.random.default_rng(seed)
    drawn = sample.at(sample_positions(len(sample), _REFIT_SESSIONS, seed=seed))
    found: dict[int, list[float]] = {k: [] for k in counts}
    for _ in range(_N_PERMUTED):
        null = permuted(drawn, random)
        rows = SessionView.fit(null).transform(null).T
        shown = sample_positions(len(rows), SILHOUETTE_SESSIONS, seed=seed)
        distances = distances_between(rows[shown])
        for k in counts:
            members = Centres.fit(rows, k, seed=seed, n_starts=_REFIT_STARTS).members
            found[k].append(float(silhouettes(distances, members[shown]).mean()))
    return {k: float(np.mean(each)) for k, each in found.items()}


def _refit_agreement(rows: Floats, fitted: Centres, *, seed: int) -> float:
    random = np.random.default_rng(seed)
    shown = sample_positions(len(rows), _REFIT_SESSIONS, seed=seed)
    n_drawn = min(len(rows), _REFIT_SESSIONS)
    agreements = []
    for _ in range(N_REFITS):
        drawn = rows[random.integers(0, len(rows), n_drawn)]
        refit = Centres.fit(drawn, len(fitted.rows), seed=seed, n_starts=_REFIT_STARTS)
        agreements.append(agreement(fitted.members[shown], nearest_centre(rows[shown], refit.rows)))
    return float(np.median(agreements))


def _temporal_agreement(sample: SessionValues, by_time: Integers, k: int, *, seed: int) -> float:
    """The later model starts from the earlier one, as a retrain does; each has its own view."""
    n_earlier = round(_EARLIER_SHARE * len(by_time))
    earlier = sample.at(np.sort(by_time[:n_earlier]))
    later = sample.at(np.sort(by_time[n_earlier:]))
    former = KMeansModel.fit(earlier, k=min(k, count_different(earlier)), seed=seed)
    model = KMeansModel.fit(later, k=min(k, count_different(later)), seed=seed, former=former)
    return agreement(former.predict(later), model.predict(later))


def agreement(one: Integers, other: Integers) -> float:
    """The adjusted Rand index of two groupings: 1 for the same, 0 for what chance gives."""
    from sklearn.metrics import adjusted_rand_score  # noqa: PLC0415 - only training pays for it

    return float(adjusted_rand_score(one, other))
