"""The worker as a process: what it logs, what is left of it when it is killed."""

import json
import signal
import subprocess
from typing import Any

from ev_pipeline.messaging import topics
from ev_pipeline.stream.metrics import METRICS_HOST, Metrics
from ev_pipeline_tests.messaging.listening import WITHIN_S
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stream.streams import a_session, charging, dashboard
from ev_pipeline_tests.stream.worker_process import COMMAND, WorkerProcess, running


def lines(worker: WorkerProcess) -> list[dict[str, Any]]:
    """The log, every line of which is JSON."""
    return [json.loads(line) for line in worker.said().splitlines()]


def test_the_log_names_what_was_refused_and_nobody(
    worker: WorkerProcess, broker: RunningBroker
) -> None:
    with running(worker), charging(broker) as charger:
        charger.send(a_session("S-1"))
        charger.send(a_session("S-2", energy_kwh="0", user_id="Ada Lovelace"))
        told = charger.next_rejection()
        assert worker.end(signal.SIGTERM) == 0
    [refused] = [line for line in lines(worker) if line["message"] == "a record was refused"]
    assert refused["level"] == "warning"
    assert refused["account"] == charger.name
    assert refused["session_id"] == told["session_id"]
    assert refused["payload_sha256"] == told["payload_sha256"]
    assert refused["reasons"] == ["no_energy"]
    assert "Ada" not in worker.said()
    assert "U-1" not in worker.said()


def status(worker: WorkerProcess, *words: str) -> str:
    command = [*COMMAND[:-1], "status", *words]
    return subprocess.run(
        command, env=worker.variables, capture_output=True, text=True, check=False
    ).stdout


def test_status_has_the_streams_figures_while_it_is_there(
    worker: WorkerProcess, broker: RunningBroker
) -> None:
    with running(worker), charging(broker) as charger:
        charger.send(a_session("S-1", energy_kwh=0))
        charger.next_rejection()
        document = json.loads(status(worker, "--json"))
        assert 0 < document["lag_seconds"] < WITHIN_S
        assert document["queue_depth"] is None or document["queue_depth"] >= 0
        assert document["ledger"]["quarantined"] == 1
        assert f"lag {document['lag_seconds']:.3f} s" in status(worker)
    away = json.loads(status(worker, "--json"))
    assert (away["queue_depth"], away["lag_seconds"]) == (None, None)


def test_a_worker_that_is_killed_is_offline_at_once(
    worker: WorkerProcess, broker: RunningBroker
) -> None:
    with dashboard(broker, topics.STATUS) as screen:
        with running(worker):
            assert worker.process
            while json.loads(screen.take().payload).get("pid") != worker.process.pid:
                pass
            worker.kill()
        while json.loads(screen.take().payload) != {"state": "offline"}:
            pass


def test_a_worker_whose_metrics_have_no_port_says_so_in_one_line(
    worker: WorkerProcess,
) -> None:
    port = worker.settings.metrics_port
    with Metrics().page(METRICS_HOST, port):
        worker.start()
        assert worker.await_end() == 1
    [line] = worker.said().splitlines()
    assert line.startswith(f"error: {METRICS_HOST}:{port}: ")
    assert line.endswith("set EV_METRICS_PORT to another")
