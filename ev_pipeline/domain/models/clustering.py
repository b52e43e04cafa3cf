"""Training of the clusters: verdict, number, centres, numbers and names, from one set of sessions.

What lives here: the order of these steps. What does not: each step (`structure`, `selection`,
`kmeans`, `matching`, `naming`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from ev_pipeline.domain.models.clusters import describe_clusters
from ev_pipeline.domain.models.kmeans import KMeansModel
from ev_pipeline.domain.models.matching import Matching
from ev_pipeline.domain.models.naming import name_clusters
from ev_pipeline.domain.models.selection import (
    CLUSTER_COUNTS,
    Candidate,
    choose,
    measure_candidates,
)
from ev_pipeline.domain.models.structure import STRUCTURED, Structure
from ev_pipeline.domain.models.values import Floats, SessionValues

NEW: Final = "new"
KEPT: Final = "kept"


@dataclass(frozen=True, slots=True)
class Clustering:
    """Trained clusters, and why they are these.

    Args:
        model: the clusters, numbered and named.
        structure: whether sessions group at all.
        candidates: the numbers of clusters that were tried.
        chosen: the one of them that the model has.
        matching: which clusters go on from the former model; null where there is none.
    """

    model: KMeansModel
    structure: Structure
    candidates: tuple[Candidate, ...]
    chosen: Candidate
    matching: Matching | None

    @classmethod
    def train(
        cls,
        values: SessionValues,
        started: Floats,
        *,
        seed: int,
        k: int | None = None,
        former: KMeansModel | None = None,
    ) -> Self:
        """Train on sessions.

        Args:
            values: sessions, in an order that does not depend on chance.
            started: their plug-in, in any unit of time that grows.
            seed: seed of everything random.
            k: number of clusters, in place of the best of `CLUSTER_COUNTS`.
            former: the champion's clusters.

        Raises:
            PipelineError: there are fewer different sessions than clusters.
        """
        structure = Structure.test(values, seed=seed)
        counts = CLUSTER_COUNTS if k is None else (k,)
        candidates = measure_candidates(values, started, counts, seed=seed)
        chosen = choose(candidates, preferred=None if former is None else len(former.centres))
        model = KMeansModel.fit(values, k=chosen.k, seed=seed, former=former)
        matching = None if former is None else Matching.between(model, former)
        if matching is not None:
            model = model.numbered(matching.numbers)
        if structure.verdict == STRUCTURED and chosen.is_valid:
            model = _named(model, values, former)
        return cls(model, structure, tuple(candidates), chosen, matching)

    def as_measures(self, values: SessionValues) -> dict[str, Any]:
        """What was found, for JSON.

        Args:
            values: the sessions of the training.
        """
        described = describe_clusters(self.model, values, self.model.predict(values))
        former = () if self.matching is None else self.matching.kept
        return {
            "verdict": self.structure.verdict,
            "structure": self.structure.as_measures(),
            "k": self.chosen.k,
            "k_is_valid": self.chosen.is_valid,
            "candidates": [each.as_measures() for each in self.candidates],
            "clusters": [
                {
                    **asdict(each),
                    "name": self.model.name_of[each.number],
                    "state": KEPT if each.number in former else NEW,
                }
                for each in described
            ],
            "gone": [] if self.matching is None else list(self.matching.gone),
        }


def _named(model: KMeansModel, values: SessionValues, former: KMeansModel | None) -> KMeansModel:
    described = describe_clusters(model, values, model.predict(values))
    return model.named(name_clusters(described, _kept_names(model, former)))


def _kept_names(model: KMeansModel, former: KMeansModel | None) -> Mapping[int, str]:
    """Names of the former model's clusters that go on; a number is no name to be kept."""
    if former is None:
        return {}
    numbers = set(model.numbers.tolist())
    return {
        number: name
        for number, name in former.name_of.items()
        if number in numbers and name != str(number)
    }
