"""Drift as the panel of the clusters shows it.

What lives here: what is known of drift, and its shape in the panel. What does not: the measure
(`domain.models.drift`), and where the last report is kept (`assets.drift`).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from ev_pipeline.domain.models.drift import Drift


@dataclass(frozen=True, slots=True)
class DriftState:
    """What the last drift report found.

    Args:
        model_version: the champion whose training the newest sessions were held against.
        n_sessions: how many they were.
        alert_psi: a greater stability index is drift.
        drifting_since: since when reports find drift; null where the last found none.
        indices: of every feature and of the clusters' shares; none where nothing was measured.
    """

    model_version: str
    n_sessions: int
    alert_psi: float
    drifting_since: datetime | None
    indices: Sequence[Drift]


def show_drift(drift: DriftState | None, champion: str | None) -> dict[str, Any] | None:
    """What the panel says of it; null where the champion was not measured.

    Args:
        drift: of the last report, or null.
        champion: the version whose clusters are shown: what another drifted by says nothing of it.
    """
    if drift is None or drift.model_version != champion or not drift.indices:
        return None
    return {
        "n_sessions": drift.n_sessions,
        "alert_psi": drift.alert_psi,
        "drifting_since": drift.drifting_since,
        "indices": [asdict(each) for each in drift.indices],
    }
