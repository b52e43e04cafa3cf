"""Dagster's daemon, after the runs that died with an earlier one were told so.

Dagster's local run launcher cannot ask whether a run's process lives, so a run that was killed
with its stack would count as started for hours and keep others waiting. No such process outlives
the daemon's process group (`guard`), so whatever it left in progress is over. Reported as failed,
it is run again by `run_retries`. What lives here: that one step. What does not: any other run.
"""

import os
import sys
from typing import Final

import dagster as dg

from ev_pipeline.stack.process import python_module

IN_PROGRESS: Final = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)

LAUNCHED_TAG: Final = ".dagster/grpc_info"
"""On every run that a daemon launched; runs of `ev-pipeline run` have a process of their own."""


NICENESS: Final = 10
"""Whatever launches runs has it, and so have they, as loads have: where both want the same core, a
run gets a tenth of the time that chargers' sessions get."""


def fail_interrupted_runs(instance: dg.DagsterInstance) -> int:
    """No run that an earlier daemon launched counts as running any more.

    Returns:
        How many did.
    """
    runs = instance.get_runs(dg.RunsFilter(statuses=list(IN_PROGRESS)))
    launched = [run for run in runs if LAUNCHED_TAG in run.tags]
    for run in launched:
        instance.report_run_failed(run, "The stack was stopped while this run was in progress.")
    return len(launched)


def main() -> None:
    """Tell, then become Dagster's daemon."""
    with dg.DagsterInstance.get() as instance:
        fail_interrupted_runs(instance)
    command = python_module("dagster._daemon", "run", *sys.argv[1:])
    os.nice(NICENESS)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
