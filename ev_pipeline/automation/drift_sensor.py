"""What asks for a retraining when drift lasts.

What lives here: the sensor, which reads the report. What does not: measuring drift, and since when
it lasts (`assets.drift`).
"""

from typing import Final

import dagster as dg

from ev_pipeline.assets.drift import drift_report
from ev_pipeline.automation.jobs import retrain

INTERVAL_S: Final = 30
"""s; drift lasts hours before anybody is asked."""


@dg.asset_sensor(
    asset_key=drift_report.key,
    name="drift_sensor",
    job=retrain,
    minimum_interval_seconds=INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks once for a retraining when the champion's sessions go on drifting.",
)
def drift_sensor(
    _context: dg.SensorEvaluationContext, asset_event: dg.EventLogEntry
) -> dg.RunRequest | dg.SkipReason:
    """Ask for `retrain` once a champion and once a beginning, however often it is reported."""
    report = asset_event.asset_materialization
    told = {} if report is None else {name: entry.value for name, entry in report.metadata.items()}
    if not told.get("is_retraining_due"):
        return dg.SkipReason(str(told.get("state", "nothing was reported")))
    key = f"drift:{told['model_version']}:{told['drifting_since']:.0f}"
    return dg.RunRequest(run_key=key)
