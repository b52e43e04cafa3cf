"""How the worker ends when it is asked to, and what it says when it cannot begin."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.retained import read_retained
from ev_pipeline.settings import Settings
from ev_pipeline.stack.stream_worker import STOP_WITHIN_S
from ev_pipeline_tests.conftest import free_port, quick_home
from ev_pipeline_tests.intake.files import rows
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.accounts import assert_accounted_for, assert_shown
from ev_pipeline_tests.stream.installation import Installation, installed
from ev_pipeline_tests.stream.publishing import Publisher
from ev_pipeline_tests.stream.worker_process import UP_WITHIN_S, WorkerProcess


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with installed(tmp_path) as installation:
        yield installation


def test_a_stop_under_load_ends_in_time_and_leaves_the_rest_to_the_broker(
    installation: Installation,
) -> None:
    with Publisher(installation.broker.add_charger(), rate_per_s=2_000) as publisher:
        wait_until(lambda: publisher.n_accepted > 500, within_s=UP_WITHIN_S)
        began_s = time.monotonic()
        assert installation.worker.end(signal.SIGTERM) == 0
        assert time.monotonic() - began_s < STOP_WITHIN_S
        assert last_progress(installation) == rows(
            installation.engine, "select sum(received)::int from ev_ledger"
        )
        with publisher.pausing():
            installation.start_again("worker")
            assert_accounted_for(
                installation.engine, publisher, installation.champion, "stopped under load"
            )
            assert_shown(installation.engine, installation.worker.settings, installation.broker)
    assert "Traceback" not in installation.worker.said()


def last_progress(installation: Installation) -> list[int]:
    """How many records the worker says it has received."""
    kept = read_retained(installation.broker.login("nodered"), (topics.PROGRESS,))
    return [json.loads(kept[topics.PROGRESS])["received"]]


@pytest.mark.long  # it is the deadline that is waited for
def test_a_stop_in_a_transaction_that_never_ends_ends_in_time_and_stores_nothing_half(
    installation: Installation,
) -> None:
    worker, engine = installation.worker, installation.engine
    with Publisher(installation.broker.add_charger()) as publisher:
        with engine.begin() as connection:
            connection.execute(sa.text("lock table ev_session in access exclusive mode"))
            waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            wait_until(lambda: rows(engine, waiting) != [0], within_s=UP_WITHIN_S)
            began_s = time.monotonic()
            assert worker.end(signal.SIGTERM) == -signal.SIGALRM
            assert time.monotonic() - began_s < STOP_WITHIN_S + 1
        installation.start_again("worker")
        with publisher.pausing():
            assert_accounted_for(engine, publisher, installation.champion, "stuck")


def test_a_stop_while_the_database_is_away_ends_in_time(
    installation: Installation,
) -> None:
    with Publisher(installation.broker.add_charger()) as publisher:
        wait_until(lambda: publisher.n_accepted > 50, within_s=UP_WITHIN_S)
        installation.kill("database")
        wait_until(
            lambda: "the database is away" in installation.worker.said(), within_s=UP_WITHIN_S
        )
        assert installation.worker.end(signal.SIGTERM) == 0
        installation.start_again("database", "worker")
        with publisher.pausing():
            assert_accounted_for(installation.engine, publisher, installation.champion, "away")


def started(worker: WorkerProcess) -> tuple[int, str]:
    """How a worker that cannot begin ends, and what it says last."""
    worker.start()
    return worker.await_end(), worker.said().strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"mqtt_password": "wrong"}, "the broker refuses the account stream"),
        ({"mqtt_port": "free"}, "the broker does not answer"),
        ({"database_url": "free"}, "the database does not answer"),
        ({"database_url": "wrong password"}, "password authentication failed"),
    ],
    ids=["broker's password", "no broker", "no database", "database's password"],
)
def test_what_keeps_the_worker_from_beginning_is_said_on_one_line(
    settings: Settings, worker: WorkerProcess, wrong: dict[str, Any], what: str
) -> None:
    address = str(settings.database_url)
    change: dict[str, Any] = {
        "free": free_port()
        if "mqtt_port" in wrong
        else address.replace(f":{settings.postgres_port}/", f":{free_port()}/"),
        "wrong password": address.replace("@", "x@"),
    }
    worker.settings = worker.settings.model_copy(
        update={name: change.get(value, value) for name, value in wrong.items()}
    )
    code, line = started(worker)
    assert code == 1
    assert what in line
    assert "Traceback" not in worker.said()


def test_a_full_disk_of_the_database_is_waited_out(tmp_path: Path) -> None:
    disk = quick_home()
    mount = ["mount", "-t", "tmpfs", "-o", "size=220m,mode=755", "none", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, check=False, text=True)
    if mounted.returncode:
        pytest.skip(f"a small disk takes the right to mount one: {mounted.stderr.strip()}")
    try:
        with installed(tmp_path, database_home=disk) as installation:
            wait_out(installation, disk / "ballast")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def wait_out(installation: Installation, ballast: Path) -> None:
    with Publisher(installation.broker.add_charger()) as publisher:
        wait_until(lambda: publisher.n_accepted > 50, within_s=UP_WITHIN_S)
        free = shutil.disk_usage(ballast.parent).free
        with suppress(OSError), ballast.open("wb", buffering=0) as file:  # it does not fit
            file.write(b"\0" * (free + 1))
        wait_until(
            lambda: "the database is away" in installation.worker.said(), within_s=UP_WITHIN_S
        )
        ballast.unlink()
        installation.start_again("database")
        with publisher.pausing():
            assert_accounted_for(installation.engine, publisher, installation.champion, "full disk")
