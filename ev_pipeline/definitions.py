"""Door 1: what Dagster loads.

What lives here: the one set of definitions, and the resources they run with.
What does not: any asset, check, job or schedule itself.
"""

from collections.abc import Mapping

import dagster as dg

from ev_pipeline.assets import champion, dashboard, drift, features, labels, models, records
from ev_pipeline.automation.drift_sensor import drift_sensor
from ev_pipeline.automation.jobs import bootstrap, label_new_sessions, publish_dashboard, retrain
from ev_pipeline.automation.queue_sensor import broker_queue_sensor
from ev_pipeline.automation.retention import retention
from ev_pipeline.automation.schedules import nightly_retention, nightly_retrain
from ev_pipeline.automation.sensors import new_sessions_sensor
from ev_pipeline.checks import features as feature_checks
from ev_pipeline.checks import labels as label_checks
from ev_pipeline.checks import records as record_checks
from ev_pipeline.resources import environment_resources
from ev_pipeline.settings import Settings, load_settings


@dg.definitions
def definitions() -> dg.Definitions:
    """Everything that Dagster knows of this pipeline, run with the environment's resources."""
    settings = load_settings("dagster")
    return build_definitions(settings, environment_resources(settings))


def build_definitions(settings: Settings, resources: Mapping[str, object]) -> dg.Definitions:
    """The pipeline's definitions, with the resources that the caller wants.

    Args:
        settings: the choices that shape the definitions themselves: schedule and sensor.
        resources: `database` and `settings`.
    """
    return dg.Definitions(
        assets=dg.load_assets_from_modules(
            [records, features, models, champion, labels, drift, dashboard], include_specs=True
        ),
        asset_checks=dg.load_asset_checks_from_modules(
            [record_checks, feature_checks, label_checks]
        ),
        jobs=[bootstrap, retrain, label_new_sessions, publish_dashboard, retention],
        schedules=[nightly_retrain(settings), nightly_retention(settings)],
        sensors=[new_sessions_sensor(settings), broker_queue_sensor(settings), drift_sensor],
        resources=resources,
        # A second process a step costs more than the step.
        executor=dg.in_process_executor,
    )
