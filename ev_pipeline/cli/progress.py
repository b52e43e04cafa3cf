"""What a run did so far, and the lines that say so.

What lives here: turning a run's events into an outcome and into progress on standard error.
What does not: asking for the events (`dagster_client`), when to stop asking (`run`).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from rich.markup import escape

from ev_pipeline.cli.dagster_client import reason_of
from ev_pipeline.cli.output import messages

_FIGURES: Final = {
    "dagster/row_count": "rows",
    "files_loaded": "files",
    "labels_written": "labels",
    "silhouette": "silhouette",
    "noise_share": "noise",
    "threshold": "threshold",
}
"""The figures that are worth a place on a step's line, and what they are called there."""

_MS_PER_S: Final = 1000


@dataclass(slots=True)
class StepOutcome:
    """A step of a run: an asset, or a check.

    Args:
        step: its name.
        started_ms: when it began, ms since 1970.
        status: started, success or failure.
        seconds: how long it took, s.
        figures: what it said of itself, by the names of `_FIGURES`.
        error: why it failed; null where it did not.
    """

    step: str
    started_ms: float
    status: str = "started"
    seconds: float = 0.0
    figures: dict[str, float] = field(default_factory=dict)
    error: str | None = None


@dataclass(slots=True)
class RunOutcome:
    """A run, as far as it has been followed.

    Args:
        job: what is run.
        run_id: Dagster's id of it.
        page: where Dagster shows it.
        status: success, failure or canceled, once it has ended.
        seconds: from the launch to the end, s.
        steps: by name, in the order of their start.
        n_checks: checks that were run.
        failed_checks: those that did not pass.
        error: why it failed; null where it did not.
        is_interrupted: whether it was asked to stop.
        lost_run_ids: runs of it whose process was lost, and which Dagster ran again.
    """

    job: str
    run_id: str
    page: str
    status: str = "queued"
    seconds: float = 0.0
    steps: dict[str, StepOutcome] = field(default_factory=dict)
    n_checks: int = 0
    failed_checks: list[str] = field(default_factory=list)
    error: str | None = None
    is_interrupted: bool = False
    lost_run_ids: list[str] = field(default_factory=list)

    @property
    def is_success(self) -> bool:
        """Whether it ran to its end, whatever its checks said."""
        return self.status == "success"

    def as_document(self) -> dict[str, Any]:
        """What `--json` prints."""
        steps = [asdict(step) for step in self.steps.values()]
        for step in steps:
            del step["started_ms"]
        return {**asdict(self), "steps": steps}

    def go_on_as(self, run_id: str, page: str) -> None:
        """From now on this is the run that Dagster started in place of a lost one."""
        messages.print(f"{self.job}: lost ({escape(self.error or 'no reason given')})")
        messages.print(f"{self.job}: Dagster runs it again: {page}")
        self.lost_run_ids.append(self.run_id)
        self.run_id, self.page, self.error = run_id, page, None

    def note(self, event: dict[str, Any]) -> None:
        """Take note of an event, and say it if a person would want to know."""
        noting = _NOTED.get(event["__typename"])
        if noting is not None:
            noting(self, event)


def _note_start(outcome: RunOutcome, event: dict[str, Any]) -> None:
    step = event["stepKey"]
    outcome.steps[step] = StepOutcome(step, started_ms=float(event["timestamp"]))


def _note_figures(outcome: RunOutcome, event: dict[str, Any]) -> None:
    figures = outcome.steps[event["stepKey"]].figures
    for entry in event["metadataEntries"]:
        value = entry.get("intValue", entry.get("floatValue"))
        if entry["label"] in _FIGURES and value is not None:
            figures[_FIGURES[entry["label"]]] = value


def _note_check(outcome: RunOutcome, event: dict[str, Any]) -> None:
    evaluation = event["evaluation"]
    outcome.n_checks += 1
    if not evaluation["success"]:
        name = f"{'/'.join(evaluation['assetKey']['path'])}: {evaluation['checkName']}"
        outcome.failed_checks.append(name)
        messages.print(f"  [yellow]check failed[/yellow] {escape(name)} ({evaluation['severity']})")


def _note_retry(outcome: RunOutcome, event: dict[str, Any]) -> None:
    wait_s = event.get("secondsToWait") or 0
    reason = escape(reason_of(event))
    messages.print(f"  {event['stepKey']}: tried again in {wait_s:.0f} s ({reason})")
    outcome.steps[event["stepKey"]].status = "waiting"


def _note_success(outcome: RunOutcome, event: dict[str, Any]) -> None:
    step = _ended(outcome, event, "success")
    told = [f"{name} {_short(value)}" for name, value in step.figures.items()]
    messages.print(f"  {step.step}: {', '.join([*told, f'{step.seconds:.1f} s'])}")


def _short(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"


def _note_failure(outcome: RunOutcome, event: dict[str, Any]) -> None:
    step = _ended(outcome, event, "failure")
    step.error = reason_of(event)
    outcome.error = f"{step.step}: {step.error}"
    messages.print(f"  [red]{step.step} failed[/red] after {step.seconds:.1f} s")


def _note_run_failure(outcome: RunOutcome, event: dict[str, Any]) -> None:
    outcome.error = outcome.error or reason_of(event)


def _ended(outcome: RunOutcome, event: dict[str, Any], status: str) -> StepOutcome:
    step = outcome.steps[event["stepKey"]]
    step.status = status
    step.seconds = round((float(event["timestamp"]) - step.started_ms) / _MS_PER_S, 3)
    return step


_NOTED: Final[dict[str, Callable[[RunOutcome, dict[str, Any]], None]]] = {
    "ExecutionStepStartEvent": _note_start,
    "MaterializationEvent": _note_figures,
    "AssetCheckEvaluationEvent": _note_check,
    "ExecutionStepUpForRetryEvent": _note_retry,
    "ExecutionStepSuccessEvent": _note_success,
    "ExecutionStepFailureEvent": _note_failure,
    "RunFailureEvent": _note_run_failure,
}
