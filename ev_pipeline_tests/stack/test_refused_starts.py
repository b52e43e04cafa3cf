"""What is in the way of a start is one line with the mend, and nothing is left of the attempt."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from ev_pipeline_tests.stack.local_stack import LocalStack

PORTS = ("EV_POSTGRES_PORT", "EV_DAGSTER_PORT", "EV_MQTT_PORT", "EV_METRICS_PORT")


def take(port: int) -> socket.socket:
    """Somebody else listens on the port."""
    other = socket.socket()
    other.bind(("127.0.0.1", port))
    other.listen()
    return other


@pytest.mark.parametrize("variable", PORTS)
def test_a_taken_port_is_one_line_and_nothing_was_started(stack: LocalStack, variable: str) -> None:
    port = int(stack.environment[variable])
    with take(port):
        up = stack.run("up", "--detach")
    assert up.returncode == 1
    assert len(up.stderr.splitlines()) == 1
    assert f"port {port} is taken" in up.stderr
    assert variable in up.stderr
    assert stack.processes() == {}
    assert not (stack.home / "postgres").exists()


FAILS_LATER = """
import dagster as dg

@dg.definitions
def definitions() -> dg.Definitions:
    raise ValueError("this is what went wrong")
"""


@pytest.mark.parametrize(
    ("definitions", "reason"),
    [
        ("import a_module_that_is_not_there", "a_module_that_is_not_there"),
        (FAILS_LATER, "this is what went wrong"),
    ],
)
def test_definitions_that_do_not_load_are_named_and_everything_stops(
    stack: LocalStack, tmp_path: Path, definitions: str, reason: str
) -> None:
    checkout = Path(__file__).parents[2]
    for folder in ("ev_pipeline", "infra"):
        shutil.copytree(checkout / folder, tmp_path / folder)
    shutil.copy(checkout / "dagster.yaml", tmp_path / "dagster.yaml")
    (tmp_path / "ev_pipeline" / "definitions.py").write_text(definitions)
    up = subprocess.run(
        [*stack.program, "up", "--detach"],
        env={**stack.environment, "PYTHONPATH": str(tmp_path)},
        cwd=stack.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert up.returncode == 1
    assert "the definitions do not load" in up.stderr.splitlines()[-1]
    assert reason in up.stderr.splitlines()[-1]
    assert stack.processes() == {}


def test_a_wrong_setting_is_one_line_that_names_the_variable(stack: LocalStack) -> None:
    wrong = subprocess.run(
        [*stack.program, "status"],
        env={**stack.environment, "EV_DAGSTER_PORT": "seventy"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode == 1
    assert len(wrong.stderr.splitlines()) == 1
    assert "EV_DAGSTER_PORT cannot be 'seventy'" in wrong.stderr
