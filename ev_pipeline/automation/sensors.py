"""What watches the stream, and asks for runs.

What lives here: the sensor, which asks broker and Dagster. What does not: the decision
(`arrivals`).
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import dagster as dg

from ev_pipeline.automation.arrivals import LastRun, Position, Progress, RunState, Skip, decide
from ev_pipeline.automation.jobs import label_new_sessions
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.retained import read_retained
from ev_pipeline.settings import Settings

LEAST_INTERVAL_S: Final = 5
"""s; Dagster's daemon looks no more often."""


def new_sessions_sensor(settings: Settings) -> dg.SensorDefinition:
    """Ask for `label_new_sessions` when sessions have arrived; on as soon as it is loaded."""

    @dg.sensor(
        name="new_sessions_sensor",
        job=label_new_sessions,
        minimum_interval_seconds=LEAST_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Follows ev/stream/progress, and has what arrived labelled and shown.",
    )
    def watch(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        try:
            progress = read_progress(Login.from_settings(settings))
        except PipelineError as error:
            return dg.SkipReason(f"the broker cannot be reached: {error}")
        decision = decide(
            progress,
            Position.from_cursor(context.cursor),
            last_run(context.instance),
            now=datetime.now(UTC),
            interval=timedelta(seconds=settings.label_interval_s),
        )
        if isinstance(decision, Skip):
            return dg.SkipReason(decision.reason)
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=decision.run_key)], cursor=decision.as_cursor()
        )

    return watch


def read_progress(login: Login) -> Progress | None:
    """What the worker says of itself; null where it never said anything.

    Raises:
        PipelineError: the broker cannot be reached, or what it keeps is not the worker's.
    """
    kept = read_retained(login, (topics.PROGRESS, topics.STATUS))
    if len(kept) < len((topics.PROGRESS, topics.STATUS)):
        return None
    try:
        said, status = _understood(kept[topics.PROGRESS]), _understood(kept[topics.STATUS])
        return Progress(
            is_online=status["state"] == "online",
            epoch=str(said["epoch"]),
            seq=int(said["as_of"]),
            has_champion=said["model_version"] is not None,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise PipelineError(
            f"what it keeps of the stream is not understood ({error!r})",
            mend="start the stream again, in this version",
            where=login.address,
        ) from error


def last_run(instance: dg.DagsterInstance) -> LastRun | None:
    """The job's last run, by whomever it was started; null where there is none."""
    records = instance.get_run_records(
        dg.RunsFilter(job_name=label_new_sessions.name), limit=1, ascending=False
    )
    if not records:
        return None
    run = records[0].dagster_run
    if not run.is_finished:
        state = RunState.UNDER_WAY
    else:
        state = RunState.SUCCEEDED if run.is_success else RunState.FAILED
    return LastRun(state, records[0].create_timestamp)


def _understood(payload: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(payload)
    return document
