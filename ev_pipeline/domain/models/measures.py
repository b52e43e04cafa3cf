"""What is measured of a trained model, as plain numbers for JSON.

What lives here: sizes, separation, typical sessions, agreement, threshold.
What does not: judging them (a verdict, a promotion), and drawing them (`plots`).
"""

from typing import Any, Final

import numpy as np
import polars as pl

from ev_pipeline.domain.models.anomaly import AnomalyModel
from ev_pipeline.domain.models.dbscan import NOISE, DbscanModel
from ev_pipeline.domain.models.kmeans import KMeansModel
from ev_pipeline.domain.models.rules import RULES
from ev_pipeline.domain.models.values import Integers, SessionValues, session_values

SILHOUETTE_SESSIONS: Final = 5_000
"""A silhouette's cost grows with the square; beyond this it moves by less than 0.01."""

_MEASURED_SESSIONS: Final = 100_000
"""Shares and agreement of a density model are counted on a sample of at most this many."""

_HELD_OUT_SHARE: Final = 0.2
_LISTED_CLUSTERS: Final = 10
_HOURS_PER_DAY: Final = 24.0


def measure_kmeans(
    model: KMeansModel, usable: pl.DataFrame, values: SessionValues, *, seed: int
) -> dict[str, Any]:
    """Sizes, separation and the typical session of each cluster.

    Args:
        model: the fitted model.
        usable: the sessions that may be fitted on.
        values: their values.
        seed: seed of the silhouette's sample.
    """
    from sklearn.metrics import silhouette_score  # noqa: PLC0415 - only training pays for it

    distances = model.distances(values)
    clusters = distances.argmin(axis=0)
    k = len(model.centres)
    sizes = np.bincount(clusters, minlength=k)
    chosen = _sample(len(usable), SILHOUETTE_SESSIONS, seed=seed)
    rows = model.view.transform(values).T[chosen]
    nearest, second = np.partition(distances, 1, axis=0)[:2]
    return {
        "k": k,
        "silhouette": float(silhouette_score(rows, clusters[chosen])),
        "silhouette_sessions": len(chosen),
        "mean_margin": float(np.mean(1 - nearest / second)),
        "sizes": sizes.tolist(),
        "shares": (sizes / len(usable)).tolist(),
        "profiles": [_profile(cluster, usable.filter(clusters == cluster)) for cluster in range(k)],
    }


def measure_dbscan(model: DbscanModel, usable: pl.DataFrame, *, seed: int) -> dict[str, Any]:
    """Density, noise, and whether sessions not fitted on get the labels of a refit.

    Args:
        model: the model fitted on all of `usable`.
        usable: the sessions that may be fitted on.
        seed: seed of the samples.
    """
    sample = usable[_sample(len(usable), _MEASURED_SESSIONS, seed=seed)]
    clusters = model.predict(session_values(sample))
    is_held_out = np.zeros(len(sample), dtype=bool)
    is_held_out[_sample(len(sample), round(_HELD_OUT_SHARE * len(sample)), seed=seed + 1)] = True
    refit = DbscanModel.fit(session_values(sample.filter(~is_held_out)), seed=seed)
    predicted = refit.predict(session_values(sample.filter(is_held_out)))
    same = (predicted == NOISE) == (clusters[is_held_out] == NOISE)
    shares = np.bincount(clusters[clusters != NOISE], minlength=model.n_clusters) / len(sample)
    return {
        "eps": model.eps,
        "n_core": len(model.core),
        "n_clusters": model.n_clusters,
        "noise_share": float(np.mean(clusters == NOISE)),
        "largest_shares": shares[:_LISTED_CLUSTERS].tolist(),
        "held_out_agreement": float(np.mean(same)),
    }


def measure_anomalies(model: AnomalyModel, later: SessionValues) -> dict[str, Any]:
    """The threshold, and the share of later ordinary sessions above it.

    Args:
        model: the fitted model.
        later: the sessions that the threshold was set on.
    """
    return {
        "threshold": model.threshold,
        "n_calibrated": len(later),
        "calibration_share": float(np.mean(model.scores(later) > model.threshold)),
        "n_rules": len(RULES),
        "n_trees": len(model.forest.roots),
        "n_station_habits": len(model.expectations.station_keys),
        "n_user_habits": len(model.expectations.user_keys),
    }


def _sample(n: int, at_most: int, *, seed: int) -> Integers:
    """Ascending positions of a seeded sample; all of them where there are few enough."""
    if n <= at_most:
        return np.arange(n)
    chosen = np.random.default_rng(seed).choice(n, at_most, replace=False, shuffle=False)
    return np.sort(chosen)


def _profile(cluster: int, members: pl.DataFrame) -> dict[str, Any]:
    """The typical session of a cluster, in natural units."""
    angle = members["start_hour"].to_numpy() * (2 * np.pi / _HOURS_PER_DAY)
    hour = np.arctan2(np.sin(angle).mean(), np.cos(angle).mean()) * _HOURS_PER_DAY / (2 * np.pi)
    medians = members.select(pl.median("duration_h", "energy_kwh", "mean_power_kw")).row(
        0, named=True
    )
    return {"cluster": cluster, "start_hour": float(hour % _HOURS_PER_DAY), **medians}
