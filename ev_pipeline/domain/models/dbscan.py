"""DBSCAN on the session view and one deviation, with a prediction that needs no refit.

What lives here: core points, their clusters, and the cluster of any session.
What does not: how core points connect (`components`).

A session belongs to the cluster of its nearest core point within eps, else it is noise. Core points
are those of a stated sample, so that an artifact stays small however many sessions there are.

References:
    Ester, Kriegel, Sander, Xu (1996): A density-based algorithm for discovering clusters.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from ev_pipeline.domain.models.artifact import pack, unpack
from ev_pipeline.domain.models.components import connect
from ev_pipeline.domain.models.habits import MIN_STATION_SESSIONS, Groups, positions
from ev_pipeline.domain.models.nearest import nearest_neighbours, nearest_within, tree_of
from ev_pipeline.domain.models.values import Floats, Integers, Keys, SessionValues
from ev_pipeline.domain.models.view import LEAST_VARIANCE, WINSOR_QUANTILES, SessionView

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

KIND: Final = "dbscan"
NOISE: Final = -1
MIN_SAMPLES: Final = 10
"""A core point has as many points, itself among them, within eps."""

EPS_QUANTILE: Final = 0.9
"""Of the distances to the tenth point: what share of the sample are core points."""

MAX_FIT_SESSIONS: Final = 100_000
"""Core points kept at most: 5 MB of artifact; more would not find more clusters."""

_LEAST_EPS: Final = 1e-9
"""Identical sessions lie at distance 0 and yet belong together."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """How much more power a session had than is usual at its station, as a scaled column.

    Args:
        keys: stations with a habit, ascending.
        usual: log of the mean power usual at each, the population's last.
        low: least deviation before scaling.
        high: greatest.
        scale: what the winsorised deviation is divided by.
    """

    keys: Keys
    usual: Floats
    low: float
    high: float
    scale: float

    @classmethod
    def fit(cls, values: SessionValues) -> Self:
        """Freeze the stations' usual power and the limits of what departs from it."""
        groups = Groups.of(values.station, min_sessions=MIN_STATION_SESSIONS)
        usual = groups.shrunk_means(values.log_power)
        raw = values.log_power - usual[groups.member]
        low, high = np.quantile(raw, WINSOR_QUANTILES)
        variance = float(np.clip(raw, low, high).var())
        scale = math.sqrt(variance) if variance > LEAST_VARIANCE else 1.0
        return cls(groups.keys, usual, float(low), float(high), scale)

    def transform(self, values: SessionValues) -> Floats:
        """The scaled deviation of each session."""
        raw = values.log_power - self.usual[positions(self.keys, values.station)]
        scaled: Floats = np.clip(raw, self.low, self.high) / self.scale
        return scaled


@dataclass(frozen=True, slots=True)
class DbscanModel:
    """Core points with their clusters; cluster 0 is the largest.

    Args:
        view: the session view's frozen limits and scales.
        deviation: the sixth column.
        eps: how near a core point must be.
        core: core points, one row each.
        core_cluster: cluster of each core point.
        tree: the core points, for finding the nearest.
    """

    view: SessionView
    deviation: Deviation
    eps: float
    core: Floats
    core_cluster: Integers
    tree: "cKDTree"

    @classmethod
    def fit(cls, values: SessionValues, *, seed: int) -> Self:
        """Fit on the sessions, or on a seeded sample of `MAX_FIT_SESSIONS` of them.

        Args:
            values: sessions to fit on, in an order that does not depend on chance.
            seed: seed of the sample.
        """
        view, deviation = SessionView.fit(values), Deviation.fit(values)
        points = _points(view, deviation, values)
        if len(points) > MAX_FIT_SESSIONS:
            chosen = np.random.default_rng(seed).choice(
                len(points), MAX_FIT_SESSIONS, replace=False, shuffle=False
            )
            points = points[np.sort(chosen)]
        distances, neighbours = nearest_neighbours(points, MIN_SAMPLES)
        eps = max(float(np.quantile(distances[:, -1], EPS_QUANTILE)), _LEAST_EPS)
        is_core = distances[:, -1] <= eps
        number = np.full(len(points), -1, dtype=np.int64)
        number[is_core] = np.arange(np.count_nonzero(is_core))
        core = np.ascontiguousarray(points[is_core])
        clusters = connect(core, eps, number[neighbours[is_core]], distances[is_core])
        return cls(view, deviation, eps, core, clusters, tree_of(core))

    @property
    def n_clusters(self) -> int:
        """Number of clusters, noise not counted."""
        return int(self.core_cluster.max()) + 1

    def predict(self, values: SessionValues) -> Integers:
        """The cluster of the nearest core point within eps, else `NOISE`."""
        points = _points(self.view, self.deviation, values)
        nearest = nearest_within(self.tree, points, self.eps)
        return np.where(nearest >= 0, self.core_cluster[nearest], NOISE)

    def to_bytes(self) -> bytes:
        """The model as an artifact."""
        arrays = {
            "core": self.core,
            "core_cluster": self.core_cluster,
            "station_keys": self.deviation.keys,
            "station_usual": self.deviation.usual,
            **self.view.arrays(),
        }
        scalars = {
            "eps": self.eps,
            "deviation_low": self.deviation.low,
            "deviation_high": self.deviation.high,
            "deviation_scale": self.deviation.scale,
        }
        return pack(KIND, arrays, scalars)

    @classmethod
    def from_bytes(cls, artifact: bytes) -> Self:
        """The model that `artifact` was made of."""
        arrays, scalars = unpack(KIND, artifact)
        deviation = Deviation(
            keys=arrays["station_keys"],
            usual=arrays["station_usual"],
            low=scalars["deviation_low"],
            high=scalars["deviation_high"],
            scale=scalars["deviation_scale"],
        )
        return cls(
            view=SessionView.from_arrays(arrays),
            deviation=deviation,
            eps=scalars["eps"],
            core=arrays["core"],
            core_cluster=arrays["core_cluster"],
            tree=tree_of(arrays["core"]),
        )


def _points(view: SessionView, deviation: Deviation, values: SessionValues) -> Floats:
    """The six columns as rows, as the tree wants them."""
    return np.ascontiguousarray(np.vstack([view.transform(values), deviation.transform(values)]).T)
