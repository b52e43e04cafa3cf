"""When jobs run by the clock.

What lives here: the schedules. What does not: what they run (`jobs`).
"""

import dagster as dg

from ev_pipeline.automation.cron import require_cron
from ev_pipeline.automation.jobs import retrain
from ev_pipeline.settings import Settings


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
