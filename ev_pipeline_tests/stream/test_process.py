"""The worker as a process: what it logs, what is left of it when it is killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ev_pipeline.messaging import topics
from ev_pipeline.settings import Settings
from ev_pipeline.stack.stream_worker import trouble
from ev_pipeline.stream.metrics import METRICS_HOST, Metrics
from ev_pipeline_tests.messaging.listening import WITHIN_S
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.streams import (
    a_session,
    charging,
    dashboard,
    streaming_settings,
)

COMMAND = [sys.executable, "-m", "ev_pipeline.cli.main", "stream"]


@pytest.fixture
def variables(
    environment: dict[str, str], settings: Settings, broker: RunningBroker
) -> dict[str, str]:
    """The environment of a worker on the test's database and broker."""
    streaming = streaming_settings(settings, broker)
    fields = ("home", "database_url", "metrics_port", "mqtt_client_id")
    login = ("mqtt_host", "mqtt_port", "mqtt_username", "mqtt_password", "mqtt_ca_file")
    named = {f"EV_{name.upper()}": str(getattr(streaming, name)) for name in (*fields, *login)}
    return {**environment, **named}


@contextmanager
def worker(variables: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Within, the worker takes sessions; it is gone afterwards."""
    with (
        log.open("wb") as output,
        subprocess.Popen(COMMAND, env=variables, stderr=output) as process,
    ):
        try:
            port = int(variables["EV_METRICS_PORT"])
            wait_until(lambda: trouble(port) is None, within_s=WITHIN_S)
            yield process
        finally:
            process.kill()


def lines(log: Path) -> list[dict[str, Any]]:
    """The log, every line of which is JSON."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_the_log_names_what_was_refused_and_nobody(
    variables: dict[str, str], broker: RunningBroker, tmp_path: Path
) -> None:
    log = tmp_path / "stream.log"
    with worker(variables, log) as process, charging(broker) as charger:
        charger.send(a_session("S-1"))
        charger.send(a_session("S-2", energy_kwh="0", user_id="Ada Lovelace"))
        told = charger.next_rejection()
        process.send_signal(signal.SIGTERM)
        assert process.wait(WITHIN_S) == 0
    [refused] = [line for line in lines(log) if line["message"] == "a record was refused"]
    assert refused["level"] == "warning"
    assert refused["account"] == charger.name
    assert refused["session_id"] == told["session_id"]
    assert refused["payload_sha256"] == told["payload_sha256"]
    assert refused["reasons"] == ["no_energy"]
    assert "Ada" not in log.read_text()
    assert "U-1" not in log.read_text()


def status(variables: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND[:-1], "status", *words]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def test_status_has_the_streams_figures_while_it_is_there(
    variables: dict[str, str], broker: RunningBroker, tmp_path: Path
) -> None:
    with worker(variables, tmp_path / "stream.log"), charging(broker) as charger:
        charger.send(a_session("S-1", energy_kwh=0))
        charger.next_rejection()
        document = json.loads(status(variables, "--json").stdout)
        assert 0 < document["lag_seconds"] < WITHIN_S
        assert document["queue_depth"] is None or document["queue_depth"] >= 0
        assert document["ledger"]["quarantined"] == 1
        assert f"lag {document['lag_seconds']:.3f} s" in status(variables).stdout
    away = json.loads(status(variables, "--json").stdout)
    assert (away["queue_depth"], away["lag_seconds"]) == (None, None)


def test_a_worker_that_is_killed_is_offline_at_once(
    variables: dict[str, str], broker: RunningBroker, tmp_path: Path
) -> None:
    with dashboard(broker, topics.STATUS) as screen:
        with worker(variables, tmp_path / "stream.log") as process:
            while json.loads(screen.take().payload).get("pid") != process.pid:
                pass
            os.kill(process.pid, signal.SIGKILL)
        while json.loads(screen.take().payload) != {"state": "offline"}:
            pass


def test_a_worker_whose_metrics_have_no_port_says_so_in_one_line(
    variables: dict[str, str],
) -> None:
    with Metrics().page(METRICS_HOST, int(variables["EV_METRICS_PORT"])):
        done = subprocess.run(COMMAND, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: {METRICS_HOST}:{variables['EV_METRICS_PORT']}: ")
    assert line.endswith("set EV_METRICS_PORT to another")
