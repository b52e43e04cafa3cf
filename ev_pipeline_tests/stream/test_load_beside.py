"""A load leaves one core to the worker that takes sessions beside it; alone it has all of them."""

import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
import sqlalchemy as sa

from ev_pipeline.stack.priority import NICENESS
from ev_pipeline.stack.process import dies_with_parent
from ev_pipeline.storage.loads import own_ground
from ev_pipeline_tests.messaging.listening import WITHIN_S
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.streams import count
from ev_pipeline_tests.stream.worker_process import WorkerProcess, running

HEADER = "session_id,station_id,started_at,ended_at,energy_kwh\n"
ROW = "S-1,A,2024-05-01T08:00:00Z,2024-05-01T09:00:00Z,7.5\n"


@pytest.mark.parametrize("has_stream", [True, False])
def test_a_load_leaves_one_core_to_a_worker(
    engine: sa.Engine,
    worker: WorkerProcess,
    tmp_path: Path,
    has_stream: bool,  # noqa: FBT001 -- pytest gives it by name
) -> None:
    path = tmp_path / "one.csv"
    path.write_text(HEADER + ROW)
    ours = os.sched_getaffinity(0)
    with running(worker) if has_stream else nullcontext():
        with engine.begin() as connection:
            own_ground(connection)  # the load waits for it, and can be looked at
            command = [sys.executable, "-m", "ev_pipeline.cli.main", "load", "canonical", str(path)]
            load = subprocess.Popen(
                command,
                env=worker.variables,
                preexec_fn=dies_with_parent(signal.SIGKILL),  # noqa: PLW1509 -- it only calls the kernel
            )
            wait_until(lambda: count(engine, "pg_locks", "not granted"), within_s=WITHIN_S)
            cores = os.sched_getaffinity(load.pid)
            niceness = os.getpriority(os.PRIO_PROCESS, load.pid)
        assert load.wait(WITHIN_S) == 0
    assert cores == (ours - {min(ours)} if has_stream and len(ours) > 1 else ours)
    assert niceness == os.nice(0) + NICENESS
    assert count(engine, "ev_session") == 1
