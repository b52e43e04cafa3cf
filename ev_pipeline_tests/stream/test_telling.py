"""What tells of sessions is a process of its own, that never outlives the worker nor it it."""

import os
import signal
from pathlib import Path

from ev_pipeline.messaging import topics
from ev_pipeline_tests.messaging.listening import WITHIN_S
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.streams import dashboard
from ev_pipeline_tests.stream.worker_process import WorkerProcess, running


def teller_of(worker: WorkerProcess) -> int:
    """The process that tells for it."""
    assert worker.process
    pid = worker.process.pid
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    [teller] = found
    return teller


def test_a_worker_whose_teller_is_killed_ends_so_that_both_are_started_again(
    worker: WorkerProcess, broker: RunningBroker
) -> None:
    with running(worker), dashboard(broker, topics.panel("summary")) as screen:
        screen.take()
        os.kill(teller_of(worker), signal.SIGKILL)
        assert worker.await_end() == 1
    assert worker.said().splitlines()[-1] == (
        "error: the stream ends: its teller has ended (exit code -9); it may be started again;"
        " its log says why, unless it was killed"
    )


def test_a_worker_that_is_killed_leaves_no_teller(worker: WorkerProcess) -> None:
    with running(worker):
        teller = teller_of(worker)
    wait_until(lambda: not Path(f"/proc/{teller}").exists(), within_s=WITHIN_S)
