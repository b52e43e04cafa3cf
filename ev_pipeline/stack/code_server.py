"""Dagster's code server, which tells of the runs that died with an earlier one.

It has the definitions in memory, once for webserver and daemon, and runs are its children. Dagster
cannot ask whether a run's process lives, so a run that was killed with its stack would count as
started for hours and keep others waiting. No such process outlives the code server's process group
(`guard`) or container, so whatever an earlier one left in progress is over. Reported as failed, it
is run again by `run_retries`. What lives here: that report, and becoming Dagster's program. What
does not: any other run, or where the server listens (`dagster_home`).
"""

import argparse
import os
import runpy
import socket
import sys
import threading
import time
from collections.abc import Collection
from contextlib import closing
from typing import Final

import dagster as dg

from ev_pipeline.stack.credentials import HOST
from ev_pipeline.stack.priority import let_chargers_go_first

IN_PROGRESS: Final = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)

LAUNCHED_TAG: Final = ".dagster/grpc_info"
"""On every run that was launched here; runs of `ev-pipeline run` have a process of their own."""

_LOOK_S: Final = 0.2

_Address = str | tuple[str, int]
"""A Unix socket's path, or host and port."""


def interrupted_runs() -> list[str]:
    """Ids of the runs that an earlier code server has launched and that count as running."""
    with dg.DagsterInstance.get() as instance:
        runs = instance.get_runs(dg.RunsFilter(statuses=list(IN_PROGRESS)))
    return [run.run_id for run in runs if LAUNCHED_TAG in run.tags]


def fail_runs(run_ids: Collection[str]) -> None:
    """These runs do not count as running any more."""
    with dg.DagsterInstance.get() as instance:
        for run in instance.get_runs(dg.RunsFilter(list(run_ids), statuses=list(IN_PROGRESS))):
            instance.report_run_failed(run, "The stack was stopped while this run was in progress.")


def main() -> None:
    """Become Dagster's program, in this process: Dagster takes a second to load.

    What was interrupted is told once this one answers: whoever is to run it again asks it at once.
    """
    run_ids = interrupted_runs()
    if run_ids:
        threading.Thread(
            target=_fail_once_it_answers, args=(run_ids, _address()), daemon=True
        ).start()
    let_chargers_go_first()
    # Dagster drops the first place of imports, for the program's directory, which `-P` leaves out.
    sys.path.insert(0, os.devnull)
    sys.argv[1:1] = ["api", "grpc"]
    runpy.run_module("dagster", run_name="__main__", alter_sys=True)


def _fail_once_it_answers(run_ids: Collection[str], address: _Address) -> None:
    while not _answers(address):
        time.sleep(_LOOK_S)
    fail_runs(run_ids)


def _address() -> _Address:
    """Where Dagster's program is about to listen, by the options that it is given."""
    options = argparse.ArgumentParser()
    options.add_argument("--socket")
    options.add_argument("--port", type=int)
    where, _ = options.parse_known_args()
    return where.socket or (HOST, where.port)


def _answers(address: _Address) -> bool:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        return probe.connect_ex(address) == 0


if __name__ == "__main__":
    main()
