"""Dagster's code server, after the runs that died with an earlier one were told so.

It has the definitions in memory, once for webserver and daemon, and runs are its children. Dagster's
run launcher cannot ask whether a run's process lives, so a run that was killed with its stack would
count as started for hours and keep others waiting. No such process outlives the code server's
process group (`guard`) or container, so whatever an earlier one left in progress is over. Reported
as failed, it is run again by `run_retries`. What lives here: that one step, and becoming Dagster's
program. What does not: any other run, or where the server listens (`dagster_home`).
"""

import os
import runpy
import sys
from typing import Final

import dagster as dg

IN_PROGRESS: Final = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)

LAUNCHED_TAG: Final = ".dagster/grpc_info"
"""On every run that was launched here; runs of `ev-pipeline run` have a process of their own."""

NICENESS: Final = 10
"""The code server has it, and so have its runs, as loads have: where both want the same core, a run
gets a tenth of the time that chargers' sessions get."""


def let_chargers_go_first() -> None:
    """This process, and what it starts, leave one core alone and want the others less than others.

    Niceness is not enough: what waits for the network some hundred times a second is slow to wake
    while every core is at work, whoever works there.
    """
    os.nice(NICENESS)
    if sys.platform == "linux":
        cores = os.sched_getaffinity(0)
        if len(cores) > 1:
            os.sched_setaffinity(0, cores - {min(cores)})


def fail_interrupted_runs(instance: dg.DagsterInstance) -> int:
    """No run that an earlier code server launched counts as running any more.

    Returns:
        How many did.
    """
    runs = instance.get_runs(dg.RunsFilter(statuses=list(IN_PROGRESS)))
    launched = [run for run in runs if LAUNCHED_TAG in run.tags]
    for run in launched:
        instance.report_run_failed(run, "The stack was stopped while this run was in progress.")
    return len(launched)


def main() -> None:
    """Tell, then become Dagster's program, in this process: Dagster takes a second to load."""
    with dg.DagsterInstance.get() as instance:
        fail_interrupted_runs(instance)
    let_chargers_go_first()
    # Dagster drops the first place of imports, for the program's directory, which `-P` leaves out.
    sys.path.insert(0, os.devnull)
    sys.argv[1:1] = ["api", "grpc"]
    runpy.run_module("dagster", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
