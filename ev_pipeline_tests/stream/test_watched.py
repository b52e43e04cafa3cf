"""A real Prometheus, by the shipped files, beside a worker that works."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline_tests.conftest import free_port
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.streams import a_session, charging, running_stream, streaming_settings
from ev_pipeline_tests.watching.prometheus import ALERTS, CONFIGURATION, board_queries, program

WITHIN_S = 60

EVERY_S = 1
"""s between two looks; the shipped file's 15 s would make the test as slow."""

NEEDS_A_FAULT = {"Alerts"}
"""Panels that may be empty: here half is refused, by a champion of any age, on a slow machine or a
fast one, so that some alerts may well wait."""


class Prometheus:
    """A server that is running, and its answers."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, path: str, **query: str) -> Any:
        """What it answers; null while it does not."""
        try:
            address = f"http://127.0.0.1:{self._port}/api/v1/{path}?{urlencode(query)}"
            with urlopen(address, timeout=WITHIN_S) as answer:
                return json.load(answer)["data"]
        except (URLError, ConnectionError):
            return None

    def rules(self) -> list[dict[str, Any]]:
        """Every rule, with how its last evaluation went."""
        answer = self.ask("rules") or {"groups": []}
        return [rule for group in answer["groups"] for rule in group["rules"]]


@contextmanager
def watching(worker_port: int, folder: Path) -> Iterator[Prometheus]:
    """Within, the shipped configuration is served, but for the worker's port and the interval."""
    text = CONFIGURATION.read_text()
    default = f"127.0.0.1:{Settings.model_fields['metrics_port'].default}"
    assert default in text
    assert "15s" in text
    own = text.replace(default, f"127.0.0.1:{worker_port}").replace("15s", f"{EVERY_S}s")
    (folder / "prometheus.yaml").write_text(own)
    (folder / ALERTS.name).write_text(ALERTS.read_text())
    port = free_port()
    command = [
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            yield Prometheus(port)
        finally:
            server.terminate()


def test_a_prometheus_by_the_shipped_files_fills_every_panel_and_calls_when_the_worker_ends(
    engine: sa.Engine, settings: Settings, broker: RunningBroker, champion: str, tmp_path: Path
) -> None:
    streaming = streaming_settings(settings, broker)
    n_sent = 0

    def empty_panels() -> set[str]:
        nonlocal n_sent
        for change in ({}, {"energy_kwh": -1}):
            n_sent += 1
            charger.send(a_session(f"S-{n_sent}", connector_id=f"{n_sent}", **change))
        panels = {query.panel for query in board_queries()}
        filled = {
            query.panel
            for query in board_queries()
            if (prometheus.ask("query", query=query.expression) or {}).get("result")
        }
        return panels - filled

    def states() -> dict[str, str]:
        return {rule["name"]: rule.get("state", "") for rule in prometheus.rules()}

    with watching(streaming.metrics_port, tmp_path) as prometheus:
        with running_stream(engine, streaming), charging(broker) as charger:
            wait_until(lambda: empty_panels() <= NEEDS_A_FAULT, within_s=WITHIN_S)
            assert {rule["health"] for rule in prometheus.rules()} == {"ok"}
            assert states()["EvStreamWorkerDown"] == "inactive"
        wait_until(lambda: states()["EvStreamWorkerDown"] == "pending", within_s=WITHIN_S)
