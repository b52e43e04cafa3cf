"""A new model beside the champion on later sessions, which neither judgement was fitted on.

What lives here: what is measured of both. What does not: what follows from it (`promotion`).

A model fitted on the first four fifths of time stands in for the new one: it has the same number of
clusters and the same champion to start from, and knows nothing of the sessions that it is measured
on. The champion may have seen some of them, which can only speak for the champion.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np

from ev_pipeline.domain.models.bundle import ModelBundle
from ev_pipeline.domain.models.dbscan import NOISE, DbscanModel
from ev_pipeline.domain.models.kmeans import KMeansModel, count_different
from ev_pipeline.domain.models.matching import Matching
from ev_pipeline.domain.models.samples import sample_positions
from ev_pipeline.domain.models.selection import agreement
from ev_pipeline.domain.models.separation import (
    SILHOUETTE_SESSIONS,
    distances_between,
    permuted,
    silhouettes,
)
from ev_pipeline.domain.models.values import Floats, Integers, SessionValues

EARLIER_SHARE: Final = 0.8
"""Share of the time-ordered sessions that the stand-in is fitted on; the rest is held out."""

_FIT_SESSIONS: Final = 20_000
_MEASURED_SESSIONS: Final = 20_000
"""Shares, noise and changes of cluster are counted on this many later sessions at most."""

_N_PERMUTED: Final = 5
_N_RESAMPLES: Final = 999
"""With as many the least p is 0.001."""


@dataclass(frozen=True, slots=True)
class Held:
    """What later sessions say of a model.

    Args:
        silhouette: mean silhouette of its clusters.
        null_silhouette: the same on permuted sessions, on average.
        smallest_share: share of the sessions in its smallest cluster.
        largest_share: share in its largest.
        noise_share: share in no dense region.
    """

    silhouette: float
    null_silhouette: float
    smallest_share: float
    largest_share: float
    noise_share: float

    @property
    def gain(self) -> float:
        """How much more separate the clusters are than on permuted sessions."""
        return self.silhouette - self.null_silhouette

    def as_measures(self) -> dict[str, Any]:
        """The figures, for JSON."""
        return {**asdict(self), "gain": self.gain}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A challenger and the champion on the same later sessions.

    Args:
        n_held_out: later sessions.
        challenger: what they say of the challenger's stand-in.
        champion: what they say of the champion; null where there is none.
        agreement: adjusted Rand index of the stand-in and the challenger on them.
        p_value: chance of a gain as much above the champion's if there were none.
        changed_share: share of the sessions of clusters that go on which change cluster.
    """

    n_held_out: int
    challenger: Held
    champion: Held | None
    agreement: float
    p_value: float | None
    changed_share: float | None

    @classmethod
    def measure(
        cls,
        values: SessionValues,
        started: Integers,
        challenger: ModelBundle,
        champion: ModelBundle | None,
        *,
        seed: int,
    ) -> Self:
        """Measure both on the last fifth of time.

        Args:
            values: sessions that may be fitted on, in an order that does not depend on chance.
            started: their plug-in, in any unit of time that grows.
            challenger: the new model.
            champion: the one that is shown; null where there is none.
            seed: seed of the samples and the resampling.
        """
        by_time = np.argsort(started, kind="stable")
        n_earlier = round(EARLIER_SHARE * len(by_time))
        earlier = values.at(_some(by_time[:n_earlier], _FIT_SESSIONS, seed=seed))
        later = values.at(_some(by_time[n_earlier:], _MEASURED_SESSIONS, seed=seed))
        former = None if champion is None else champion.clusters
        k = min(len(challenger.clusters.centres), count_different(earlier))
        stand_in = KMeansModel.fit(earlier, k=k, seed=seed, former=former)
        scale = _Scale.of(later, challenger, seed=seed)
        own, scores = scale.hold(stand_in, DbscanModel.fit(earlier, seed=seed))
        labels = challenger.clusters.predict(later)
        held = None if champion is None else scale.hold(champion.clusters, champion.density)
        return cls(
            n_held_out=len(by_time) - n_earlier,
            challenger=own,
            champion=None if held is None else held[0],
            agreement=agreement(stand_in.predict(later), labels),
            p_value=None if held is None else _p_value(scores - held[1], seed=seed),
            changed_share=None
            if champion is None
            else _changed_share(challenger.clusters, champion.clusters, later),
        )

    def as_measures(self) -> dict[str, Any]:
        """The figures, for JSON."""
        return {
            **asdict(self),
            "challenger": self.challenger.as_measures(),
            "champion": None if self.champion is None else self.champion.as_measures(),
        }


@dataclass(frozen=True, slots=True)
class _Scale:
    """One view of the later sessions, in which the silhouettes of any model are comparable.

    Args:
        later: the sessions.
        shown: those of them of which silhouettes are taken.
        between: their distances to each other.
        nulls: the same sessions permuted, with their distances.
    """

    later: SessionValues
    shown: SessionValues
    between: Floats
    nulls: tuple[tuple[SessionValues, Floats], ...]

    @classmethod
    def of(cls, later: SessionValues, challenger: ModelBundle, *, seed: int) -> Self:
        """Seen in the challenger's view."""
        view = challenger.clusters.view
        shown = later.at(sample_positions(len(later), SILHOUETTE_SESSIONS, seed=seed))
        random = np.random.default_rng(seed)
        nulls = [permuted(shown, random) for _ in range(_N_PERMUTED)]
        return cls(
            later,
            shown,
            distances_between(view.transform(shown).T),
            tuple((null, distances_between(view.transform(null).T)) for null in nulls),
        )

    def hold(self, clusters: KMeansModel, density: DbscanModel) -> tuple[Held, Floats]:
        """What the sessions say of a model, and the silhouette of each that is shown."""
        scores = silhouettes(self.between, clusters.predict(self.shown))
        nulls = [
            float(silhouettes(between, clusters.predict(null)).mean())
            for null, between in self.nulls
        ]
        found = clusters.predict(self.later)
        shares = [float(np.mean(found == number)) for number in clusters.numbers]
        held = Held(
            silhouette=float(scores.mean()),
            null_silhouette=float(np.mean(nulls)),
            smallest_share=min(shares),
            largest_share=max(shares),
            noise_share=float(np.mean(density.predict(self.later) == NOISE)),
        )
        return held, scores - held.null_silhouette


def _some(positions: Integers, at_most: int, *, seed: int) -> Integers:
    return np.sort(positions[sample_positions(len(positions), at_most, seed=seed)])


def _p_value(differences: Floats, *, seed: int) -> float:
    """Chance of such a mean difference where there is none: resampled around nought."""
    random = np.random.default_rng(seed)
    centred = differences - differences.mean()
    n = len(centred)
    means = [centred[random.integers(0, n, n)].mean() for _ in range(_N_RESAMPLES)]
    n_as_large = int(np.count_nonzero(np.array(means) >= differences.mean()))
    return (1 + n_as_large) / (1 + _N_RESAMPLES)


def _changed_share(challenger: KMeansModel, champion: KMeansModel, later: SessionValues) -> float:
    """Of sessions whose clusters by both models go on; 0 where none does."""
    kept = Matching.between(challenger, champion).kept
    new, old = challenger.predict(later), champion.predict(later)
    is_matched = np.isin(new, kept) & np.isin(old, kept)
    return float(np.mean(new[is_matched] != old[is_matched])) if is_matched.any() else 0.0
