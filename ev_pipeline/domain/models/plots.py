"""Points for a small plot of a trained model.

What lives here: a seeded sample of sessions with the model's labels.
What does not: drawing them.
"""

from typing import Final

import numpy as np
import polars as pl

from ev_pipeline.domain.models import dbscan, kmeans
from ev_pipeline.domain.models.anomaly import AnomalyModel
from ev_pipeline.domain.models.dbscan import DbscanModel
from ev_pipeline.domain.models.kmeans import KMeansModel
from ev_pipeline.domain.models.training import TrainedPart
from ev_pipeline.domain.models.values import Integers, session_values
from ev_pipeline.domain.models.view import fit_sessions

MAX_POINTS: Final = 1_000
"""More points hide each other on a small plot."""


def plot_points(features: pl.DataFrame, trained: TrainedPart, *, seed: int) -> pl.DataFrame:
    """A sample of the sessions that may be fitted on, with the model's labels.

    Args:
        features: columns of `ev_session_features` that a training reads.
        trained: the model to be shown.
        seed: seed of the sample.

    Returns:
        Columns start_hour, duration_h, energy_kwh and label: the cluster, -1 for noise; of the
        isolation forest 1 for an anomaly, else 0.
    """
    usable = fit_sessions(features)
    n_points = min(len(usable), MAX_POINTS)
    chosen = np.random.default_rng(seed).choice(len(usable), n_points, replace=False)
    points = usable[np.sort(chosen)]
    return points.select(
        "start_hour", "duration_h", "energy_kwh", pl.Series("label", _labels(points, trained))
    )


def _labels(points: pl.DataFrame, trained: TrainedPart) -> Integers:
    values = session_values(points)
    if trained.name == kmeans.KIND:
        return KMeansModel.from_bytes(trained.artifact).predict(values)
    if trained.name == dbscan.KIND:
        return DbscanModel.from_bytes(trained.artifact).predict(values)
    model = AnomalyModel.from_bytes(trained.artifact)
    return (model.scores(values) > model.threshold).astype(np.int64)
