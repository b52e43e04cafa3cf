"""Drift: whether the sessions of the last window are those that a model was trained on.

What lives here: what is frozen at training, and the population stability index against it.
What does not: which sessions the window holds (`storage.drift`), and what follows from drift
(`assets.drift`).

References:
    Siddiqi (2006): Credit Risk Scorecards, on the population stability index and its 0.25.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from ev_pipeline.domain.models.values import Floats, floats

MIN_WINDOW_SESSIONS: Final = 200
"""With fewer, chance alone gives ten classes an index of 0.05 and now and then 0.1."""

CLUSTER: Final = "kmeans_cluster"

_FEATURES: Final = ("start_hour", "duration_h", "energy_kwh", "mean_power_kw")
_HOUR_EDGES: Final = (3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0)
_CLASSES: Final = 10
"""By quantiles of the training: each class then holds as much, and none is nearly empty."""

_PSEUDO_SESSIONS: Final = 0.5
"""Counted in every class, so that an empty one has a finite index."""

Reference = Mapping[str, Mapping[str, Sequence[float]]]
"""Of each feature the edges between its classes, and the sessions in each, at training."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How far one distribution has moved.

    Args:
        name: a feature, or `CLUSTER` for the clusters' shares.
        psi: population stability index; 0 for the same shares.
        by_chance: what it would be on average if nothing had moved.
    """

    name: str
    psi: float
    by_chance: float


def freeze_reference(sessions: pl.DataFrame) -> dict[str, dict[str, list[float]]]:
    """What the last window will be held against, for JSON.

    Args:
        sessions: the sessions that a model is fitted on.
    """
    reference = {}
    for name in _FEATURES:
        column = floats(sessions[name])
        edges = _HOUR_EDGES if name == "start_hour" else _inner_quantiles(column)
        reference[name] = {"edges": list(edges), "counts": _counts(column, edges)}
    return reference


def measure_drift(
    window: pl.DataFrame, reference: Reference, cluster_counts: Mapping[int, float]
) -> list[Drift]:
    """The index of every feature, and of the clusters' shares.

    Args:
        window: sessions as a model is fitted on, with the champion's label of each: the features
            and `kmeans_cluster`.
        reference: what was frozen when the champion was trained.
        cluster_counts: how many sessions each cluster had then, by its number.
    """
    drifts = [
        _index(name, told["counts"], _counts(floats(window[name]), told["edges"]))
        for name, told in reference.items()
    ]
    now = dict(window[CLUSTER].value_counts().iter_rows())
    known = list(cluster_counts)
    clusters = _index(CLUSTER, list(cluster_counts.values()), [now.get(each, 0) for each in known])
    return [*drifts, clusters]


def _inner_quantiles(column: Floats) -> list[float]:
    """The edges of equally full classes; fewer where many values are the same."""
    shares = np.arange(1, _CLASSES) / _CLASSES
    edges: list[float] = np.unique(np.quantile(column, shares)).tolist()
    return edges


def _counts(column: Floats, edges: Sequence[float]) -> list[float]:
    classes = np.searchsorted(np.array(edges), column)
    counts: list[float] = np.bincount(classes, minlength=len(edges) + 1).tolist()
    return counts


def _index(name: str, then: Sequence[float], now: Sequence[float]) -> Drift:
    expected, found = (_shares(counts) for counts in (then, now))
    psi = float(np.sum((found - expected) * np.log(found / expected)))
    by_chance = (len(then) - 1) * (1 / max(sum(then), 1) + 1 / max(sum(now), 1))
    return Drift(name, psi, by_chance)


def _shares(counts: Sequence[float]) -> Floats:
    filled = np.array(counts, dtype=np.float64) + _PSEUDO_SESSIONS
    shares: Floats = filled / filled.sum()
    return shares
