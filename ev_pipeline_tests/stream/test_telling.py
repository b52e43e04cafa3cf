"""What tells of sessions is a process of its own, that never outlives the worker nor it it."""

import json
import os
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ev_pipeline.messaging import topics
from ev_pipeline.panels.state_panels import StreamState
from ev_pipeline.stream.telling import TellerProcess
from ev_pipeline_tests.messaging.listening import WITHIN_S
from ev_pipeline_tests.mortal_server import mortal_server
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.streams import dashboard, streaming_settings
from ev_pipeline_tests.stream.worker_process import UP_WITHIN_S, WorkerProcess, running


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


def test_a_teller_that_starts_before_the_database_answers_waits_for_it(
    broker: RunningBroker, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    ended = threading.Event()

    def waits() -> bool:
        said.append(capfd.readouterr().err)
        return "panels wait" in "".join(said)

    with mortal_server(home) as server:
        settings = streaming_settings(server.settings, broker)
        server.kill()
        began_at = datetime.now(UTC)
        with TellerProcess(settings, lambda: StreamState(0, 0, None, None), ended.set):
            wait_until(waits, within_s=UP_WITHIN_S)
            server.start()
            with dashboard(broker, topics.panel("summary")) as screen:
                while _made_at(screen.take().payload) < began_at:
                    pass  # what the broker had retained of other tests
    assert not ended.is_set()


def _made_at(panel: bytes) -> datetime:
    return datetime.fromisoformat(json.loads(panel)["generated_at"])
