"""When jobs run by the clock.

What lives here: the schedules. What does not: what they run (`jobs`).
"""

from typing import Final

import dagster as dg

from ev_pipeline.automation.cron import require_cron
from ev_pipeline.automation.jobs import retrain
from ev_pipeline.automation.retention import retention
from ev_pipeline.settings import Settings

RETENTION_CRON: Final = "45 1 * * *"
"""Before models are trained by default, so that they learn nothing from what goes."""


def nightly_retention(settings: Settings) -> dg.ScheduleDefinition:
    """Once a night what was kept long enough goes; on where a setting says how long that is."""
    is_wanted = (
        settings.keep_raw_days or settings.keep_quarantine_days or settings.keep_user_ids_days
    )
    return dg.ScheduleDefinition(
        name="nightly_retention",
        job=retention,
        cron_schedule=RETENTION_CRON,
        execution_timezone=settings.timezone,
        default_status=(
            dg.DefaultScheduleStatus.RUNNING if is_wanted else dg.DefaultScheduleStatus.STOPPED
        ),
        description="Erases every night what the EV_KEEP_..._DAYS settings do not keep longer.",
    )


def nightly_retrain(settings: Settings) -> dg.ScheduleDefinition:
    """Retrain once a night, by the clock of the reporting zone; on as soon as it is loaded.

    Raises:
        PipelineError: what is set as its cron is none.
    """
    require_cron(settings.retrain_cron)
    return dg.ScheduleDefinition(
        name="nightly_retrain",
        job=retrain,
        cron_schedule=settings.retrain_cron,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Retrains every night, when few people charge or look.",
    )
