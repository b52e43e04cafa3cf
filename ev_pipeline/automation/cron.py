"""Whether a text is a cron that Dagster schedules by; also for commands that load no definitions.

What lives here: that one question. What does not: any schedule (`schedules`).
"""

import dagster as dg

from ev_pipeline.domain.errors import PipelineError


def require_cron(cron: str) -> None:
    """Pass only if Dagster takes the text of `EV_RETRAIN_CRON`.

    Raises:
        PipelineError: it does not.
    """
    try:
        dg.ScheduleDefinition(name="asked", job_name="asked", cron_schedule=cron)
    except dg.DagsterInvalidDefinitionError as error:
        raise PipelineError(
            f"EV_RETRAIN_CRON cannot be {cron!r}",
            mend="write minute, hour, day, month, weekday, like 30 2 * * *, or a word like @daily",
        ) from error
