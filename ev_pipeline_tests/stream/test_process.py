"""The worker as a process: what it logs, what is left of it when it is killed."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from ev_pipeline.messaging import topics
from ev_pipeline.stream.metrics import METRICS_HOST, Metrics
from ev_pipeline_tests.messaging.listening import WITHIN_S
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stream.streams import a_session, charging, dashboard
from ev_pipeline_tests.stream.worker_process import COMMAND, worker


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
