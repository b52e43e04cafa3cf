"""Training: features of stored sessions to one model's parameters, measures and artifact.

What lives here: one function a model, pure in (features, settings, seed).
What does not: what is measured (`measures`), bundling parts to a version (`bundle`), storing them.

`features` holds at least `TRAINING_INPUTS`, in any order of rows and columns.
"""

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from ev_pipeline.domain.models import anomaly, dbscan, kmeans
from ev_pipeline.domain.models.anomaly import AnomalyModel
from ev_pipeline.domain.models.clustering import Clustering
from ev_pipeline.domain.models.dbscan import DbscanModel
from ev_pipeline.domain.models.drift import freeze_reference
from ev_pipeline.domain.models.kmeans import KMeansModel
from ev_pipeline.domain.models.measures import measure_anomalies, measure_dbscan, measure_kmeans
from ev_pipeline.domain.models.values import session_values
from ev_pipeline.domain.models.view import count_beyond_fit_limits, fit_sessions

TRAINING_INPUTS: Final = (
    "session_id",
    "scope",
    "station_id",
    "user_id",
    "quality",
    "started_at",
    "start_hour",
    "duration_h",
    "energy_kwh",
    "mean_power_kw",
)
"""Columns of `ev_session_features` that a training reads."""

_EARLIER_SHARE: Final = 0.75
"""Share of the time-ordered sessions whose lessons the rest set the threshold by."""


@dataclass(frozen=True, slots=True)
class TrainedPart:
    """One trained model, ready to be stored.

    Args:
        name: kmeans, dbscan or isolation_forest.
        parameters: what it was trained with, for JSON.
        measures: what was measured of it, for JSON.
        artifact: its arrays.
    """

    name: str
    parameters: dict[str, Any]
    measures: dict[str, Any]
    artifact: bytes


def train_kmeans(
    features: pl.DataFrame, *, seed: int, k: int | None = None, former: KMeansModel | None = None
) -> TrainedPart:
    """Fit KMeans on the session view, with the number of clusters that the sessions bear out.

    Args:
        features: columns `TRAINING_INPUTS`.
        seed: seed of everything random.
        k: number of clusters, in place of the one that is found.
        former: the champion's clusters, whose numbers and names go on.

    Raises:
        PipelineError: too few sessions, or fewer different ones than clusters.
    """
    usable = fit_sessions(features)
    values = session_values(usable)
    started = usable["started_at"].dt.epoch("us").to_numpy()
    trained = Clustering.train(values, started, seed=seed, k=k, former=former)
    return TrainedPart(
        name=kmeans.KIND,
        parameters={
            "k": k,
            "seed": seed,
            "n_init": kmeans.N_INIT,
            "max_fit_sessions": kmeans.MAX_FIT_SESSIONS,
        },
        measures={
            "n_fitted": min(len(usable), kmeans.MAX_FIT_SESSIONS),
            "n_beyond_fit_limits": count_beyond_fit_limits(features),
            **trained.as_measures(values),
            **measure_kmeans(trained.model, values, seed=seed),
        },
        artifact=trained.model.to_bytes(),
    )


def train_dbscan(features: pl.DataFrame, *, seed: int) -> TrainedPart:
    """Fit DBSCAN on the session view and the power's deviation from the station's.

    Raises:
        PipelineError: too few sessions.
    """
    usable = fit_sessions(features)
    values = session_values(usable)
    model = DbscanModel.fit(values, seed=seed)
    return TrainedPart(
        name=dbscan.KIND,
        parameters={
            "seed": seed,
            "min_samples": dbscan.MIN_SAMPLES,
            "eps_quantile": dbscan.EPS_QUANTILE,
            "max_fit_sessions": dbscan.MAX_FIT_SESSIONS,
        },
        measures={
            "n_fitted": min(len(usable), dbscan.MAX_FIT_SESSIONS),
            "n_beyond_fit_limits": count_beyond_fit_limits(features),
            **measure_dbscan(model, usable, seed=seed),
        },
        artifact=model.to_bytes(),
    )


def train_isolation_forest(
    features: pl.DataFrame, *, seed: int, false_alarm_rate: float
) -> TrainedPart:
    """Set the threshold on the later sessions by what the earlier teach, then learn from all.

    Raises:
        PipelineError: too few sessions.
    """
    usable = fit_sessions(features).sort("started_at", "session_id")
    n_earlier = round(_EARLIER_SHARE * len(usable))
    earlier, later = session_values(usable[:n_earlier]), session_values(usable[n_earlier:])
    model = AnomalyModel.fit(earlier, later, seed=seed, false_alarm_rate=false_alarm_rate)
    return TrainedPart(
        name=anomaly.KIND,
        parameters={
            "seed": seed,
            "false_alarm_rate": false_alarm_rate,
            "earlier_share": _EARLIER_SHARE,
        },
        measures={
            "n_fitted": len(usable),
            "n_calibrated": len(later),
            "n_beyond_fit_limits": count_beyond_fit_limits(features),
            **measure_anomalies(model),
            "drift_reference": freeze_reference(usable),
        },
        artifact=model.to_bytes(),
    )
