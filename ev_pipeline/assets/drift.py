"""Group labels: whether the newest sessions are still those that the champion learnt from.

What lives here: the report, the alert when drift begins, and since when it lasts. What does not:
the measure (`domain.models.drift`), and asking for the retraining (`automation.drift_sensor`).

The report's own last materialization tells since when it lasts, and the dashboard what was found.
"""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any, Final

import dagster as dg
import polars as pl

from ev_pipeline.assets.labels import GROUP, session_labels
from ev_pipeline.assets.metadata import MODELS_POOL, OWNERS, markdown_table
from ev_pipeline.domain.models.drift import MIN_WINDOW_SESSIONS, Drift, measure_drift
from ev_pipeline.domain.models.view import keep_fit_sessions
from ev_pipeline.messaging.broker_figures import Alert
from ev_pipeline.messaging.login import Login
from ev_pipeline.panels.alerts import publish_alerts
from ev_pipeline.panels.drift_state import DriftState
from ev_pipeline.resources import Database
from ev_pipeline.settings import Settings
from ev_pipeline.storage.drift import read_window
from ev_pipeline.storage.registry import ModelVersion, read_champion

NOT_DRIFTING = 0.0
"""In place of a time, as Dagster's metadata knows no null."""

_INDICES: Final = "indices"
_ALERT_PSI: Final = "alert_psi"


@dg.asset(
    deps=[session_labels],
    group_name=GROUP,
    kinds={"polars", "postgres"},
    owners=OWNERS,
    pool=MODELS_POOL,
    code_version="1",
)
def drift_report(
    context: dg.AssetExecutionContext, database: Database, settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult[None]:
    """How far features and cluster shares of the newest sessions are from the champion's training.

    Above `EV_DRIFT_ALERT_PSI` it alerts on `ev/alerts`, once; when that lasts, a retraining is due.
    """
    since, now = perf_counter(), datetime.now(UTC)
    with database.engine() as engine:
        with engine.connect() as connection:
            champion = read_champion(connection)
        if champion is None:
            return dg.MaterializeResult(metadata={"state": "no model is the champion"})
        window = read_window(engine, champion.version, days=settings.drift_window_days)
    usable = window if window.is_empty() else keep_fit_sessions(window)
    drifts = _measured(champion, usable)
    moved = [each for each in drifts if each.psi > settings.drift_alert_psi]
    last = read_last_report(context.instance)
    before = last.drifting_since if last and last.model_version == champion.version else None
    began = (before or now) if moved else None
    if moved and before is None:
        alert = _alert(moved, champion, len(usable), settings)
        publish_alerts(Login.from_settings(settings), [alert], at=now)
    lasts_for = timedelta(0) if began is None else now - began
    return dg.MaterializeResult(
        metadata={
            "state": _state(drifts, moved, len(usable)),
            "model_version": champion.version,
            "window_sessions": len(usable),
            "drifting_since": NOT_DRIFTING if began is None else began.timestamp(),
            "is_retraining_due": bool(moved)
            and lasts_for >= timedelta(hours=settings.drift_lasts_h),
            "drift": markdown_table([asdict(each) for each in drifts]),
            _INDICES: dg.MetadataValue.json([asdict(each) for each in drifts]),
            _ALERT_PSI: settings.drift_alert_psi,
            "seconds": round(perf_counter() - since, 3),
        }
    )


def _measured(champion: ModelVersion, window: pl.DataFrame) -> list[Drift]:
    """The indices; none where there is too little to tell."""
    reference = champion.measures.get("isolation_forest", {}).get("drift_reference")
    sizes = champion.measures.get("kmeans", {}).get("sizes")
    if reference is None or sizes is None or len(window) < MIN_WINDOW_SESSIONS:
        return []
    numbers = sorted(map(int, champion.cluster_names))
    return measure_drift(window, reference, dict(zip(numbers, sizes, strict=True)))


def read_last_report(instance: dg.DagsterInstance) -> DriftState | None:
    """What the last report found; null where there is none, or it had no champion to measure."""
    last = instance.get_latest_materialization_event(drift_report.key)
    if last is None or last.asset_materialization is None:
        return None
    metadata = last.asset_materialization.metadata
    told: dict[str, Any] = {name: entry.value for name, entry in metadata.items()}
    if _INDICES not in told:
        return None
    since = told["drifting_since"]
    return DriftState(
        told["model_version"],
        told["window_sessions"],
        told[_ALERT_PSI],
        None if since == NOT_DRIFTING else datetime.fromtimestamp(since, UTC),
        [Drift(**each) for each in told[_INDICES]],
    )


def _alert(
    moved: list[Drift], champion: ModelVersion, n_sessions: int, settings: Settings
) -> Alert:
    said = ", ".join(f"{each.name} {each.psi:.2f}" for each in moved)
    return Alert(
        "drift",
        f"the last {n_sessions} sessions are not those that the model learnt from: {said}"
        f" (stability index; above {settings.drift_alert_psi:g} is drift)",
        {
            "model_version": champion.version,
            "n_sessions": n_sessions,
            "psi": {each.name: round(each.psi, 4) for each in moved},
        },
    )


def _state(drifts: list[Drift], moved: list[Drift], n_sessions: int) -> str:
    if not drifts:
        return f"not measured: {n_sessions} sessions, or a champion without a reference"
    names = ", ".join(each.name for each in moved)
    return f"drifting: {names}" if moved else "the same population"
