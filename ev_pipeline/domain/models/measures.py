"""What is measured of a trained model, as plain numbers for JSON.

What lives here: sizes, separation, agreement, threshold.
What does not: judging them (`structure`, `selection`), and drawing them (`plots`).
"""

from typing import Any, Final

import numpy as np
import polars as pl

from ev_pipeline.domain.models.anomaly import AnomalyModel
from ev_pipeline.domain.models.dbscan import NOISE, DbscanModel
from ev_pipeline.domain.models.kmeans import KMeansModel
from ev_pipeline.domain.models.rules import RULES
from ev_pipeline.domain.models.samples import sample_positions
from ev_pipeline.domain.models.separation import (
    SILHOUETTE_SESSIONS,
    distances_between,
    silhouettes,
)
from ev_pipeline.domain.models.values import SessionValues, session_values

_MEASURED_SESSIONS: Final = 100_000
"""Shares and agreement of a density model are counted on a sample of at most this many."""

_HELD_OUT_SHARE: Final = 0.2
_LISTED_CLUSTERS: Final = 10


def measure_kmeans(model: KMeansModel, values: SessionValues, *, seed: int) -> dict[str, Any]:
    """Separation of the clusters, and their shares in the order of their numbers.

    Args:
        model: the fitted model.
        values: the sessions that may be fitted on.
        seed: seed of the silhouette's sample.
    """
    distances = model.distances(values)
    clusters = distances.argmin(axis=0)
    sizes = np.bincount(clusters, minlength=len(model.centres))
    chosen = sample_positions(len(values), SILHOUETTE_SESSIONS, seed=seed)
    between = distances_between(model.view.transform(values.at(chosen)).T)
    nearest, second = np.partition(distances, 1, axis=0)[:2]
    return {
        "silhouette": float(silhouettes(between, clusters[chosen]).mean()),
        "silhouette_sessions": len(chosen),
        "mean_margin": float(np.mean(1 - nearest / second)),
        "sizes": sizes.tolist(),
        "shares": (sizes / len(values)).tolist(),
    }


def measure_dbscan(model: DbscanModel, usable: pl.DataFrame, *, seed: int) -> dict[str, Any]:
    """Density, noise, and whether sessions not fitted on get the labels of a refit.

    Args:
        model: the model fitted on all of `usable`.
        usable: the sessions that may be fitted on.
        seed: seed of the samples.
    """
    sample = usable[sample_positions(len(usable), _MEASURED_SESSIONS, seed=seed)]
    clusters = model.predict(session_values(sample))
    is_held_out = np.zeros(len(sample), dtype=bool)
    is_held_out[
        sample_positions(len(sample), round(_HELD_OUT_SHARE * len(sample)), seed=seed + 1)
    ] = True
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


def measure_anomalies(model: AnomalyModel) -> dict[str, Any]:
    """The threshold, and the share of ordinary sessions above it when it was set."""
    return {
        "threshold": model.threshold,
        "calibration_share": model.calibration_share,
        "n_rules": len(RULES),
        "n_trees": len(model.forest.roots),
        "n_station_habits": len(model.expectations.station_keys),
        "n_user_habits": len(model.expectations.user_keys),
    }
