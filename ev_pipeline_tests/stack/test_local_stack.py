"""The whole local stack, driven by its commands as a person would."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.handshake import log_in
from ev_pipeline.messaging.login import Login
from ev_pipeline.settings import ENV_PREFIX
from ev_pipeline.stack.broker_accounts import SERVICES, SPARE
from ev_pipeline.stack.mosquitto import find_mosquitto
from ev_pipeline.stack.nodered_packages import packages_directory
from ev_pipeline.stack.services import SERVICE_NAMES
from ev_pipeline_tests.conftest import free_port, make_home
from ev_pipeline_tests.stack.processes import processes_of, wait_until

UP_DEADLINE_S = 240
STOPPED_DEADLINE_S = 60
OPTIONAL = ("nodered", "simulator")
STARTED = [name for name in SERVICE_NAMES if name not in OPTIONAL]


@dataclass(frozen=True)
class LocalStack:
    """A home of its own with ports of its own, and the command on it."""

    home: Path
    postgres_port: int
    dagster_port: int
    python: str = sys.executable
    user: str | None = None
    mqtt_port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    nodered_port: int = field(default_factory=free_port)
    has_simulator: bool = False
    has_dashboard: bool = False

    def run(self, *arguments: str, without: str = "") -> subprocess.CompletedProcess[str]:
        environment = self.environment
        return subprocess.run(
            [self.python, "-m", "ev_pipeline.cli.main", *arguments],
            env={name: environment[name] for name in environment if name not in without.split()},
            cwd=self.home,
            user=self.user,
            extra_groups=[] if self.user else None,
            capture_output=True,
            text=True,
            timeout=UP_DEADLINE_S,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if name[:3] != ENV_PREFIX}
        if self.python != sys.executable:  # beside which there may be no broker
            ours["EV_MOSQUITTO_BIN"] = str(find_mosquitto(None, account=None).parent)
        return {
            **ours,
            "EV_HOME": str(self.home),
            "EV_POSTGRES_PORT": str(self.postgres_port),
            "EV_DAGSTER_PORT": str(self.dagster_port),
            "EV_MQTT_PORT": str(self.mqtt_port),
            "EV_METRICS_PORT": str(self.metrics_port),
            "EV_TIMEZONE": "Europe/Lisbon",
            "EV_NODERED_PORT": str(self.nodered_port),
            "EV_SIMULATOR": str(self.has_simulator).lower(),
            "EV_DASHBOARD": str(self.has_dashboard).lower(),
            "EV_NODERED_PACKAGES": str(packages_directory()),  # also for another Python
            "PYTHONPATH": ":".join(path for path in sys.path if path),
        }

    def status(self) -> dict[str, Any]:
        document = json.loads(self.run("status", "--json").stdout)
        assert isinstance(document, dict)
        return document

    def supervisor(self) -> int:
        return int((self.home / "run" / "supervisor.lock").read_text())

    def processes(self) -> dict[int, str]:
        return processes_of(self.home)


@contextlib.contextmanager
def _local_stack(*, has_dashboard: bool = False) -> Iterator[LocalStack]:
    home = make_home()
    stack = LocalStack(home, free_port(), free_port(), has_dashboard=has_dashboard)
    try:
        yield stack
    finally:
        stopped = stack.run("down")
        assert stopped.returncode == 0, stopped.stderr
        wait_until(lambda: not stack.processes(), within_s=STOPPED_DEADLINE_S)
        shutil.rmtree(home)


@pytest.fixture
def stack() -> Iterator[LocalStack]:
    with _local_stack() as stack:
        yield stack


@pytest.fixture(scope="module")
def running() -> Iterator[LocalStack]:
    """A stack that works, with its dashboard; tests leave it so."""
    with _local_stack(has_dashboard=True) as stack:
        started = stack.run("up", "--detach")
        assert started.returncode == 0, started.stderr
        yield stack


def test_status_says_what_runs_where_in_the_agreed_form(running: LocalStack) -> None:
    status = running.run("status", "--json")
    document = json.loads(status.stdout)
    assert status.returncode == 0
    assert document["healthy"] is True
    assert list(document["services"]) == list(SERVICE_NAMES)
    assert document["services"].pop("simulator")["state"] == "stopped"
    for service in document["services"].values():
        assert set(service) == {"state", "pid", "address"}
        assert service["state"] == "running"
        assert service["pid"] in processes_of(running.home)
    assert document["services"]["postgres"]["address"] == f"127.0.0.1:{running.postgres_port}"
    assert document["ledger"] == dict.fromkeys(
        ("received", "stored", "updated", "duplicate", "quarantined"), 0
    )
    assert document["champion"] is None
    assert document["queue_depth"] in {None, 0}  # the broker has said it, or has yet to
    assert document["lag_seconds"] is None  # no message has come


def test_the_simulator_reports_until_a_stack_is_started_without_it(stack: LocalStack) -> None:
    simulated = replace(stack, has_simulator=True)
    assert simulated.run("up", "--detach").returncode == 0
    assert simulated.status()["services"]["simulator"]["state"] == "running"
    wait_until(lambda: simulated.status()["ledger"]["stored"] >= 2, within_s=UP_DEADLINE_S)
    assert simulated.run("down").returncode == 0
    assert stack.run("up", "--detach", "--no-simulator", without="EV_SIMULATOR").returncode == 0
    assert stack.status()["services"]["simulator"]["state"] == "stopped"
    assert "EV_SIMULATOR=False\n" in (stack.home / "stack.env").read_text()


def test_a_command_elsewhere_goes_by_what_the_stack_was_started_with(running: LocalStack) -> None:
    variables = "EV_POSTGRES_PORT EV_DAGSTER_PORT EV_MQTT_PORT EV_METRICS_PORT EV_TIMEZONE"
    session = running.home / "session.csv"
    session.write_text(
        "session_id,station_id,started_at,ended_at,energy_kwh\n"
        "1,A,2025-06-01T00:30:00+01:00,2025-06-01T01:30:00+01:00,7\n"
    )
    status = running.run("status", "--json", without=variables)
    assert json.loads(status.stdout)["healthy"] is True
    loaded = running.run("load", "canonical", str(session), "--dry-run", without=variables)
    assert loaded.returncode == 0, loaded.stderr
    kept = (running.home / "stack.env").read_text().splitlines()
    assert f"EV_POSTGRES_PORT={running.postgres_port}" in kept
    assert "EV_TIMEZONE=Europe/Lisbon" in kept


def test_everything_listens_on_the_loopback_address_only(running: LocalStack) -> None:
    # What listens everywhere answers on every address of the machine, this one among them.
    another_address = "127.0.0.2"
    ports = (running.postgres_port, running.dagster_port, running.mqtt_port, running.nodered_port)
    for port in ports:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((another_address, port), timeout=5)


def test_a_second_up_is_one_line_that_names_the_way_out(running: LocalStack) -> None:
    second = running.run("up")
    assert second.returncode == 1
    assert len(second.stderr.splitlines()) == 1
    assert "the stack is up already" in second.stderr
    assert "ev-pipeline down" in second.stderr
    assert running.status()["healthy"] is True


def test_doctor_finds_nothing_wrong_with_a_working_stack(running: LocalStack) -> None:
    doctor = running.run("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "WRONG" not in doctor.stdout


def test_doctor_names_a_readable_password_file_and_the_mend(running: LocalStack) -> None:
    file = running.home / "credentials" / "database.env"
    file.chmod(0o644)
    doctor = running.run("doctor")
    file.chmod(0o600)
    assert doctor.returncode == 1
    assert "chmod" in doctor.stdout
    assert "go-rwx" in doctor.stdout


def test_no_process_shows_a_password(running: LocalStack) -> None:
    texts = [file.read_text() for file in (running.home / "credentials").iterdir()]
    passwords = re.findall(r"://\w+:(.+)@|PASSWORD=(.+)", "".join(texts))
    passwords = [database or broker for database, broker in passwords]
    assert len(passwords) == len(texts)
    assert all(len(password) > 20 for password in passwords)
    arguments = " ".join(processes_of(running.home).values())
    logs = " ".join(log.read_text() for log in (running.home / "logs").iterdir())
    assert not any(password in arguments + logs for password in passwords)


def test_an_account_is_added_listed_and_removed_while_the_broker_runs(running: LocalStack) -> None:
    broker = running.status()["services"]["mosquitto"]["pid"]
    bound = ("--source", "canonical", "--scope", "north")
    added = running.run("accounts", "add", "depot-7", *bound, "--json")
    assert added.returncode == 0, added.stderr
    document = json.loads(added.stdout)
    assert document["is_active"] is True
    assert (document["source"], document["scope"]) == ("canonical", "north")
    lines = Path(document["credentials"]).read_text().splitlines()
    login = _login(dict(line.split("=", 1) for line in lines))
    log_in(login).close()
    assert login.password not in added.stdout + added.stderr
    listed = running.run("accounts", "list", "--json").stdout
    names = {account["name"] for account in json.loads(listed)}
    assert names == {account.name for account in (*SERVICES, *SPARE)} | {"depot-7"}
    assert login.password not in listed
    again = running.run("accounts", "add", "depot-7")
    assert again.returncode == 1
    assert "is there already" in again.stderr
    unknown = running.run("accounts", "add", "depot-8", "--source", "no-such-mapping")
    assert unknown.returncode == 1
    assert len(unknown.stderr.splitlines()) == 1
    assert running.run("accounts", "remove", "depot-7").returncode == 0
    with pytest.raises(PipelineError, match="refuses the account depot-7"):
        log_in(login)
    refused = running.run("accounts", "remove", "stream")
    assert refused.returncode == 1
    assert "services use the account stream" in refused.stderr
    assert running.status()["services"]["mosquitto"]["pid"] == broker


def test_certificates_are_shown_and_renewed_while_the_broker_runs(running: LocalStack) -> None:
    before = running.status()
    renewed = running.run("certificates", "renew", "--json")
    assert renewed.returncode == 0, renewed.stderr
    assert json.loads(renewed.stdout)["is_active"] is True
    after = running.status()
    broker, authority = after["certificates"]
    assert broker["expires_at"] > before["certificates"][0]["expires_at"]
    assert authority == before["certificates"][1]
    assert authority["is_authority"] is True
    assert after["services"] == before["services"]
    assert f"until {broker['expires_at'][:10]}" in running.run("status").stdout


def _login(credentials: dict[str, str]) -> Login:
    return Login(
        credentials["EV_MQTT_HOST"],
        int(credentials["EV_MQTT_PORT"]),
        credentials["EV_MQTT_USERNAME"],
        credentials["EV_MQTT_PASSWORD"],
        Path(credentials["EV_MQTT_CA_FILE"]),
    )


@pytest.mark.parametrize("name", ["postgres", "mosquitto", "dagster-daemon", "nodered"])
def test_a_service_that_is_killed_is_started_again(running: LocalStack, name: str) -> None:
    before = running.status()["services"][name]["pid"]
    os.kill(before, signal.SIGKILL)

    def is_mended() -> bool:
        status = running.status()
        return bool(status["healthy"]) and status["services"][name]["pid"] != before

    wait_until(is_mended, within_s=UP_DEADLINE_S)


def test_a_second_stack_lives_beside_the_first(running: LocalStack, stack: LocalStack) -> None:
    started = stack.run("up", "--detach")
    assert started.returncode == 0, started.stderr
    assert stack.status()["healthy"] is True
    assert running.status()["healthy"] is True
    assert stack.run("down").returncode == 0
    assert stack.processes() == {}
    assert running.status()["healthy"] is True


def test_nothing_survives_a_supervisor_that_is_killed(stack: LocalStack) -> None:
    assert stack.run("up", "--detach").returncode == 0
    assert len(processes_of(stack.home)) > len(STARTED)
    os.kill(stack.supervisor(), signal.SIGKILL)
    wait_until(lambda: not stack.processes(), within_s=STOPPED_DEADLINE_S)
    assert stack.status()["healthy"] is False
    doctor = stack.run("doctor")
    assert doctor.returncode == 1
    assert "(killed," in doctor.stdout

    assert stack.run("up", "--detach").returncode == 0
    assert stack.status()["healthy"] is True
    assert stack.run("down").returncode == 0
    assert "(killed," not in stack.run("doctor").stdout
    log = stack.home / "logs" / "supervisor.log"
    assert log.stat().st_mode & 0o777 == 0o600
    lines = log.read_text().splitlines()
    assert lines
    assert all(re.match(r"\d{4}-\d\d-\d\dT[\d:]{8}Z ", line) for line in lines)


def test_ctrl_c_twice_stops_everything_in_order(stack: LocalStack) -> None:
    with subprocess.Popen(
        [stack.python, "-m", "ev_pipeline.cli.main", "up"],
        env=stack.environment,
        cwd=stack.home,
        stderr=subprocess.PIPE,
        text=True,
    ) as up:
        assert up.stderr
        for line in up.stderr:
            if "Ctrl-C" in line:
                break
        up.send_signal(signal.SIGINT)
        up.send_signal(signal.SIGINT)
        said = up.stderr.read().splitlines()
    assert up.returncode == 0
    assert said == [*(f"stopping {name}" for name in reversed(STARTED)), "stopped"]
    assert stack.processes() == {}
    log = (stack.home / "logs" / "postgres.log").read_text()
    assert "database system is shut down" in log


@pytest.mark.parametrize(
    "variable", ["EV_POSTGRES_PORT", "EV_DAGSTER_PORT", "EV_MQTT_PORT", "EV_METRICS_PORT"]
)
def test_a_taken_port_is_one_line_and_nothing_was_started(stack: LocalStack, variable: str) -> None:
    port = int(stack.environment[variable])
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        up = stack.run("up", "--detach")
        doctor = stack.run("doctor")
    assert up.returncode == 1
    assert len(up.stderr.splitlines()) == 1
    assert f"port {port} is taken" in up.stderr
    assert variable in up.stderr
    assert stack.processes() == {}
    assert not (stack.home / "postgres").exists()
    assert doctor.returncode == 1
    assert str(port) in doctor.stdout


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
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(checkout / name, tmp_path / name)
    (tmp_path / "ev_pipeline" / "definitions.py").write_text(definitions)
    up = subprocess.run(
        [stack.python, "-m", "ev_pipeline.cli.main", "up", "--detach"],
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
        [stack.python, "-m", "ev_pipeline.cli.main", "status"],
        env={**stack.environment, "EV_DAGSTER_PORT": "seventy"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode == 1
    assert len(wrong.stderr.splitlines()) == 1
    assert "EV_DAGSTER_PORT cannot be 'seventy'" in wrong.stderr


def test_down_on_nothing_is_no_error(stack: LocalStack) -> None:
    down = stack.run("down")
    assert down.returncode == 0
    assert "nothing was running" in down.stderr
    assert stack.run("status").returncode == 1


def _python_for_everybody() -> str | None:
    """An interpreter of this version that a user without rights can start."""
    version = f"python3.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        with contextlib.suppress(OSError):
            tried = subprocess.run([candidate, "-c", ""], user="nobody", check=False)
            if tried.returncode == 0:
                return candidate
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="every other test already runs as a plain user")
def test_a_user_without_rights_can_run_it_all(stack: LocalStack) -> None:
    python = _python_for_everybody()
    if python is None:
        pytest.skip("no interpreter of this version can be started by another user")
    shutil.chown(stack.home, "nobody")
    plain = replace(stack, python=python, user="nobody")
    started = plain.run("up", "--detach")
    assert started.returncode == 0, started.stderr
    assert plain.run("status", "--json").returncode == 0
    assert plain.run("down").returncode == 0
    assert plain.processes() == {}
