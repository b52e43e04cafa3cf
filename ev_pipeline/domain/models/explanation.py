"""Why a session is in its cluster: how near each centre is, and which features decided.

What lives here: distances, features and typical values, worked out from the model alone, so that
nothing of it need be stored. What does not: why it is an anomaly (`explaining`), and words.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ev_pipeline.domain.models.kmeans import KMeansModel
from ev_pipeline.domain.models.values import Floats, SessionValues
from ev_pipeline.domain.models.view import SessionView

_COLUMNS: Final = {
    "start_hour": (0, 1),
    "duration_h": (2,),
    "energy_kwh": (3,),
    "mean_power_kw": (4,),
}
"""By feature its columns in the session view."""

_HOURS_PER_DAY: Final = 24.0


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near one cluster's centre is.

    Args:
        cluster: the cluster's number.
        cluster_name: its name.
        distance: to its centre, in the model's scaled view.
    """

    cluster: int
    cluster_name: str
    distance: float


@dataclass(frozen=True, slots=True)
class FeatureShare:
    """What one feature has to say for the nearest centre against the next.

    Args:
        feature: start_hour, duration_h, energy_kwh or mean_power_kw.
        value: the session's.
        typical: at the nearest centre.
        next_typical: at the next.
        share: of the difference between the two squared distances; all features' shares add up to
            1, and what speaks for the next centre is negative.
    """

    feature: str
    value: float
    typical: float
    next_typical: float
    share: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a session is in its cluster.

    Args:
        centres: every cluster, the nearest first.
        features: the features, the most decisive first.
    """

    centres: list[Nearness]
    features: list[FeatureShare]


def explain_clusters(model: KMeansModel, values: SessionValues) -> list[Explanation]:
    """Say of each session why it is in its cluster."""
    distances = model.distances(values)
    ranked = np.argsort(distances, axis=0, kind="stable")
    typical = _typical_values(model)
    rows = model.view.transform(values).T
    natural = np.stack(
        [values.start_hour, *np.exp([values.log_duration, values.log_energy, values.log_power])]
    )
    explained = []
    for session, row in enumerate(rows):
        order = ranked[:, session]
        centres = [
            Nearness(int(model.numbers[at]), model.names[at], float(distances[at, session]))
            for at in order
        ]
        shares = _shares(row, model.centres[order[0]], model.centres[order[1]])
        typicals = zip(typical[:, order[0]].tolist(), typical[:, order[1]].tolist(), strict=True)
        features = [
            FeatureShare(feature, float(natural[place, session]), own, next_typical, share)
            for place, (feature, share, (own, next_typical)) in enumerate(
                zip(_COLUMNS, shares, typicals, strict=True)
            )
        ]
        features.sort(key=lambda each: -each.share)
        explained.append(Explanation(centres, features))
    return explained


def _shares(row: Floats, own: Floats, other: Floats) -> list[float]:
    """How much each feature brings the session nearer to its own centre than to the other."""
    nearer = (row - other) ** 2 - (row - own) ** 2
    total = nearer.sum()
    if total <= 0:
        # As near to both: nothing decides but the lower number.
        return [0.0 for _ in _COLUMNS]
    return [float(nearer[list(columns)].sum() / total) for columns in _COLUMNS.values()]


def _typical_values(model: KMeansModel) -> Floats:
    """Start hour, h, kWh and kW at each centre, shape (features, clusters)."""
    view: SessionView = model.view
    raw = model.centres * view.scale + view.centre
    hour = np.arctan2(raw[:, 0], raw[:, 1]) * (_HOURS_PER_DAY / (2 * np.pi)) % _HOURS_PER_DAY
    return np.stack([hour, *np.exp(raw[:, 2:].T)])
