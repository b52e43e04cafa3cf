"""A stack that works: what its commands say of it, change of it, and mend."""

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
from dataclasses import replace
from pathlib import Path

import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.handshake import log_in
from ev_pipeline.messaging.login import Login
from ev_pipeline.stack.broker_accounts import SERVICES, SPARE
from ev_pipeline.stack.dagster_home import CODE
from ev_pipeline.stack.priority import NICENESS
from ev_pipeline.stack.restore import open_backup
from ev_pipeline.stack.services import SERVICE_NAMES
from ev_pipeline_tests.stack.local_stack import STARTED, UP_WITHIN_S, LocalStack, local_stack
from ev_pipeline_tests.stack.processes import processes_of, wait_until

pytestmark = pytest.mark.timeout(600)  # a busy machine takes minutes to start a stack

KILLED = ("postgres", "mosquitto", CODE, "nodered")


@pytest.fixture(scope="module")
def running() -> Iterator[LocalStack]:
    """A stack that works, with its dashboard; tests leave it so."""
    with local_stack(has_dashboard=True) as stack:
        stack.start()
        yield stack


def test_status_says_what_runs_where_in_the_agreed_form(running: LocalStack) -> None:
    status = running.run("status", "--json")
    document = json.loads(status.stdout)
    assert status.returncode == 0
    assert document["healthy"] is True
    assert list(document["services"]) == [name for name in SERVICE_NAMES if name != CODE]
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


def test_what_chargers_report_goes_before_runs(running: LocalStack) -> None:
    services = running.state.services
    stream, code = services["stream"].pid or 0, services[CODE].pid or 0
    niceness = [os.getpriority(os.PRIO_PROCESS, pid) for pid in (stream, code)]
    assert niceness[1] - niceness[0] == NICENESS
    if sys.platform == "linux":
        n_cores = [len(os.sched_getaffinity(pid)) for pid in (stream, code)]
        assert n_cores[1] == max(1, n_cores[0] - 1)


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


def test_doctor_names_a_daemon_that_died(running: LocalStack) -> None:
    daemon = running.state.services["dagster-daemon"].pid
    assert daemon
    os.kill(daemon, signal.SIGKILL)
    wait_until(lambda: _state(running, "dagster-daemon") != "running", within_s=UP_WITHIN_S)
    doctor = running.run("doctor", "--json")
    assert doctor.returncode == 1
    (fault,) = [found for found in json.loads(doctor.stdout)["checks"] if not found["ok"]]
    assert fault["check"] == "services"
    assert re.match("dagster-daemon is (stopped|starting)", fault["found"])
    assert "logs/dagster-daemon.log" in fault["mend"]
    wait_until(lambda: _state(running, "dagster-daemon") == "running", within_s=UP_WITHIN_S)
    assert running.run("doctor").returncode == 0


def _state(stack: LocalStack, service: str) -> str:
    return stack.state.services[service].state


def test_no_process_shows_a_password(running: LocalStack) -> None:
    texts = [file.read_text() for file in (running.home / "credentials").iterdir()]
    passwords = re.findall(r"://\w+:(.+)@|PASSWORD=(.+)", "".join(texts))
    passwords = [database or broker for database, broker in passwords]
    assert len(passwords) == len(texts)
    assert all(len(password) > 20 for password in passwords)
    arguments = " ".join(processes_of(running.home).values())
    logs = " ".join(log.read_text() for log in (running.home / "logs").iterdir())
    assert not any(password in arguments + logs for password in passwords)


def test_a_backup_is_taken_while_everything_runs(running: LocalStack, tmp_path: Path) -> None:
    taken = running.run("backup", str(tmp_path / "backup"), "--json")
    assert taken.returncode == 0, taken.stderr
    document = json.loads(taken.stdout)
    manifest = open_backup(tmp_path / "backup")
    assert document["n_files"] == len(manifest.files)
    assert document["schema_revision"] == manifest.schema_revision
    assert {"database.dump", "dagster.dump", "home/stack.env"} <= set(manifest.files)
    refused = running.run("restore", str(tmp_path / "backup"), "--replace", "--yes")
    assert refused.returncode == 1
    assert "ev-pipeline down" in refused.stderr
    assert running.status()["healthy"] is True


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
    assert running.run("accounts", "rotate", "depot-7").returncode == 0
    with pytest.raises(PipelineError, match="refuses the account depot-7"):
        log_in(login)
    in_use = running.run("accounts", "rotate", "stream")
    assert in_use.returncode == 1
    assert "stop the stack first" in in_use.stderr
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


def test_services_that_are_killed_are_started_again(running: LocalStack) -> None:
    before = running.state.services
    for name in KILLED:
        pid = before[name].pid
        assert pid
        os.kill(pid, signal.SIGKILL)

    def is_mended() -> bool:
        after = running.state.services
        return all(
            service.state == "running" and (name not in KILLED or service.pid != before[name].pid)
            for name, service in after.items()
        )

    wait_until(is_mended, within_s=UP_WITHIN_S)
    assert running.status()["healthy"] is True


def _python_for_everybody() -> str | None:
    """An interpreter of this version that a user without rights can start."""
    version = f"python3.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        with contextlib.suppress(OSError):
            tried = subprocess.run([candidate, "-c", ""], user="nobody", check=False)
            if tried.returncode == 0:
                return candidate
    return None


def _of_somebody_without_rights(stack: LocalStack) -> LocalStack:
    """The stack as a plain user's, if we are not one and there is an interpreter for everybody."""
    python = _python_for_everybody() if os.geteuid() == 0 else None
    if python is None:
        return stack
    shutil.chown(stack.home, "nobody")
    return replace(stack, python=python, user="nobody")


def test_a_plain_users_second_stack_lives_beside_the_first_until_ctrl_c_twice(
    running: LocalStack, stack: LocalStack
) -> None:
    second = _of_somebody_without_rights(stack)
    with subprocess.Popen(
        [*second.program, "up"],
        env=second.environment,
        cwd=second.home,
        user=second.user,
        extra_groups=[] if second.user else None,
        stderr=subprocess.PIPE,
        text=True,
    ) as up:
        assert up.stderr
        lines = [up.stderr.readline()]
        while "Ctrl-C" not in lines[-1]:
            assert lines[-1], lines
            lines.append(up.stderr.readline())
        assert second.status()["healthy"] is True
        assert running.status()["healthy"] is True
        up.send_signal(signal.SIGINT)
        up.send_signal(signal.SIGINT)
        said = up.stderr.read().splitlines()
    assert up.returncode == 0
    assert said == [*(f"stopping {name}" for name in reversed(STARTED)), "stopped"]
    assert second.processes() == {}
    log = (second.home / "logs" / "postgres.log").read_text()
    assert "database system is shut down" in log
    assert running.status()["healthy"] is True
