"""`ev-pipeline run JOB`: a job in the running stack, followed to its end.

What lives here: launching a run and waiting for it. What does not: the jobs (`automation`), what is
said of a run's events (`progress`).
"""

import time
from typing import Annotated, Final

import typer

from ev_pipeline.cli.dagster_client import DagsterClient, Job, RunLog
from ev_pipeline.cli.output import messages, print_json
from ev_pipeline.cli.progress import RunOutcome
from ev_pipeline.cli.run_config import run_config, told_choices
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings, load_settings

_LOOK_EVERY_S: Final = 0.5
"""s between looks at the run: soon enough for a person, little beside what the run costs."""

_LOOKS_AFTER_STOP: Final = 4
"""More looks at a run that was stopped: 2 s in which one that left the queue meanwhile starts."""

_LOOKS_FOR_RETRY: Final = 240
"""Looks at a run that Dagster says it runs again: 2 min, and it takes one turn of the daemon."""

JOBS: Final = "The job: bootstrap, retrain, label_new_sessions, publish_dashboard or retention."

_ENDED: Final = {"SUCCESS", "FAILURE", "CANCELED"}


def register(app: typer.Typer) -> None:
    """Add the command `run`."""
    app.command()(run)


def run(
    job: Annotated[str, typer.Argument(help=JOBS)],
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Run a Dagster job to its end, with progress. Example: ev-pipeline run retrain.

    The run goes through the running stack's queue; Ctrl-C stops it. EV_BOOTSTRAP, if it is set
    here, says what the job bootstrap loads: SOURCE:PATH pairs separated by spaces. EV_CLUSTERS,
    EV_SEED and EV_FALSE_ALARM_RATE, if they are set here, are what this one run trains by.
    """
    outcome = launch_and_follow(load_settings(), job)
    if as_json:
        print_json(outcome.as_document())
    _require_success(outcome)


def run_job(settings: Settings, name: str) -> RunOutcome:
    """Run the job to its success; an interrupt is the caller's, who ends what the run runs in.

    Raises:
        PipelineError: it failed or was stopped, or could not be launched.
    """
    outcome = launch_and_follow(settings, name, stops_run=False)
    _require_success(outcome)
    return outcome


def launch_and_follow(settings: Settings, name: str, *, stops_run: bool = True) -> RunOutcome:
    """Run the job in the stack of `settings`, with progress on standard error, to its end.

    Args:
        settings: says on which port Dagster is, and what a bootstrap loads.
        name: of the job.
        stops_run: whether an interrupt stops the run, whose end is then still followed; otherwise
            it is raised at once.

    Raises:
        PipelineError: Dagster does not answer or refuses, or there is no such job.
    """
    client = DagsterClient(settings.dagster_host, settings.dagster_port)
    job = _find(client.jobs(), name)
    since = time.monotonic()
    run_id = client.launch(job, run_config(settings, name))
    outcome = RunOutcome(name, run_id, client.page_of(run_id))
    follower = _Follower(client, outcome)
    try:
        messages.print(f"{name}: {outcome.page}")
        if choices := told_choices(settings, name):
            messages.print(
                f"{name}: trained by {choices}, set here; nightly runs by the stack's own"
            )
        follower.follow()
    except KeyboardInterrupt:
        if not stops_run:
            raise
        outcome.is_interrupted = True
        messages.print(f"{name}: stopping it; once more to leave it to Dagster")
        follower.follow(is_to_stop=True)
    outcome.seconds = round(time.monotonic() - since, 3)
    checks = f"{outcome.n_checks - len(outcome.failed_checks)} of {outcome.n_checks} checks passed"
    messages.print(f"{name}: {outcome.status} after {outcome.seconds:.1f} s; {checks}")
    return outcome


def _require_success(outcome: RunOutcome) -> None:
    if outcome.is_success and outcome.is_interrupted:
        raise PipelineError(
            f"{outcome.job} came to its end before it could be stopped",
            mend=f"what it did is done; see {outcome.page}",
        )
    if outcome.is_success:
        return
    reason = f" ({outcome.error})" if outcome.error else ""
    raise PipelineError(
        f"{outcome.job} ended as {outcome.status}{reason}", mend=f"see {outcome.page}"
    )


class _Follower:
    """Looks at a run until it has ended; may be interrupted and go on."""

    def __init__(self, client: DagsterClient, outcome: RunOutcome) -> None:
        self._client = client
        self._outcome = outcome
        self._cursor: str | None = None

    def follow(self, *, is_to_stop: bool = False) -> None:
        """Take note of everything that happens in the run, until it has ended.

        A run whose process was lost has not: Dagster runs it again, and that is followed.

        Args:
            is_to_stop: whether to have it stopped as soon as Dagster can. That is asked until it
                has ended: Dagster also agrees where a run is on its way out of the queue, and then
                starts it all the same.
        """
        n_quiet = 0
        while True:
            if is_to_stop:
                self._client.terminate(self._outcome.run_id)
            log = self._look()
            # A run's last events may be written after its status: it has ended once all is quiet.
            n_quiet = n_quiet + 1 if log.status in _ENDED and not log.events else 0
            if n_quiet and log.retry_id:
                self._follow_retry(log.retry_id)
                n_quiet = 0
            elif n_quiet > _looks_more(log, is_to_stop=is_to_stop):
                self._outcome.status = log.status.lower()
                return
            if not log.has_more:
                time.sleep(_LOOK_EVERY_S)

    def _look(self) -> RunLog:
        log = self._client.read(self._outcome.run_id, self._cursor)
        self._cursor = log.cursor
        for event in log.events:
            self._outcome.note(event)
        return log

    def _follow_retry(self, run_id: str) -> None:
        self._outcome.go_on_as(run_id, self._client.page_of(run_id))
        self._cursor = None


def _looks_more(log: RunLog, *, is_to_stop: bool) -> int:
    """Looks at a run that has ended, because another may come of it."""
    if log.is_retried:
        return _LOOKS_FOR_RETRY
    return _LOOKS_AFTER_STOP if is_to_stop else 0


def _find(jobs: list[Job], name: str) -> Job:
    for job in jobs:
        if job.name == name:
            return job
    known = ", ".join(sorted(job.name for job in jobs))
    raise PipelineError(f"there is no job {name}", mend=f"name one of {known}")
