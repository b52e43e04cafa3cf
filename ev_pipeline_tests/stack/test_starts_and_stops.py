"""A stack that is killed and started again, and one that was never started."""

import os
import re
import signal
from dataclasses import replace

import pytest

from ev_pipeline_tests.stack.local_stack import (
    STARTED,
    STOPPED_WITHIN_S,
    UP_WITHIN_S,
    LocalStack,
)
from ev_pipeline_tests.stack.processes import wait_until

pytestmark = pytest.mark.timeout(600)  # a busy machine takes minutes to start a stack


def test_a_stack_with_a_simulator_is_killed_leaves_nothing_and_is_started_again_without_it(
    stack: LocalStack,
) -> None:
    simulated = replace(stack, has_simulator=True)
    simulated.start()
    assert simulated.state.services["simulator"].state == "running"
    wait_until(lambda: simulated.status()["ledger"]["stored"] >= 2, within_s=UP_WITHIN_S)
    assert len(stack.processes()) > len(STARTED)
    assert stack.state.supervisor
    os.kill(stack.state.supervisor, signal.SIGKILL)
    wait_until(lambda: not stack.processes(), within_s=STOPPED_WITHIN_S)
    assert stack.status()["healthy"] is False
    doctor = stack.run("doctor")
    assert doctor.returncode == 1
    assert "(killed," in doctor.stdout

    stack.start("--no-simulator", without="EV_SIMULATOR")
    status = stack.status()
    assert status["healthy"] is True
    assert status["services"]["simulator"]["state"] == "stopped"
    assert "EV_SIMULATOR=False\n" in (stack.home / "stack.env").read_text()
    assert stack.run("down").returncode == 0
    assert "(killed," not in stack.run("doctor").stdout
    _assert_the_supervisor_s_log_is_dated_and_private(stack)


def _assert_the_supervisor_s_log_is_dated_and_private(stack: LocalStack) -> None:
    log = stack.home / "logs" / "supervisor.log"
    assert log.stat().st_mode & 0o777 == 0o600
    lines = log.read_text().splitlines()
    assert lines
    assert all(re.match(r"\d{4}-\d\d-\d\dT[\d:]{8}Z ", line) for line in lines)


def test_down_on_nothing_is_no_error(stack: LocalStack) -> None:
    down = stack.run("down")
    assert down.returncode == 0
    assert "nothing was running" in down.stderr
    assert stack.run("status").returncode == 1
