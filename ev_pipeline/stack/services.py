"""Which services a local stack runs: one entry each.

What lives here: the list. What does not: how they are kept alive (`supervisor`).
"""

import os
import signal
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from ev_pipeline.settings import Settings
from ev_pipeline.stack import broker as mosquitto
from ev_pipeline.stack import dagster_home, nodered, stream_worker
from ev_pipeline.stack.broker import Broker
from ev_pipeline.stack.cluster import STOP_SIGNAL, Cluster
from ev_pipeline.stack.credentials import HOST
from ev_pipeline.stack.nodered import Dashboard
from ev_pipeline.stack.process import python_module
from ev_pipeline.stack.service import Service
from ev_pipeline.stack.shipped import shipped_file

SIMULATOR: Final = "simulator"

_SIMULATED: Final = "data/online_sessions.csv"
"""What the simulator reports, a session a second, again and again."""

SERVICE_NAMES: Final = (
    "postgres",
    mosquitto.NAME,
    stream_worker.NAME,
    dagster_home.CODE,
    dagster_home.WEBSERVER,
    dagster_home.DAEMON,
    nodered.NAME,
    SIMULATOR,
)
"""What this version starts, in the order of the start; the last two only where they are wanted."""


def stack_services(
    settings: Settings,
    cluster: Cluster,
    broker: Broker,
    dashboard: Dashboard | None,
    code_socket: Path,
) -> list[Service]:
    """Everything that `ev-pipeline up` runs, those that others need first.

    Args:
        settings: ports.
        cluster: the prepared database.
        broker: the prepared broker.
        dashboard: the prepared dashboard; null where there is none.
        code_socket: where Dagster's code server is to listen; nobody else enters its directory.
    """
    layout = cluster.layout
    workspace = str(layout.dagster / dagster_home.WORKSPACE_FILE)
    environment = dagster_home.environment(layout, cluster.credentials, os.environ)
    dagster_url = dagster_home.libpq(environment["EV_DAGSTER_DATABASE_URL"])
    pages = [_dashboard(settings, dashboard)] if dashboard else []
    simulator = [_simulator(layout.home, environment)] if settings.simulator else []
    return [
        Service(
            name="postgres",
            command=cluster.command,
            environment=cluster.environment,
            directory=layout.home,
            probe=lambda _started: cluster.trouble(),
            address=f"{HOST}:{cluster.port}",
            account=cluster.account,
            stop_signal=STOP_SIGNAL,
            stop_deadline_s=60,
        ),
        Service(
            name=mosquitto.NAME,
            command=broker.command,
            environment=broker.environment,
            directory=layout.home,
            probe=mosquitto.Probe(broker.login),
            address=broker.login.address,
            account=broker.account,
            stop_deadline_s=60,  # it writes what is queued
        ),
        Service(
            name=stream_worker.NAME,
            command=python_module("ev_pipeline.cli.main", "stream"),
            environment=environment,
            directory=Path.cwd(),
            probe=lambda _started: stream_worker.trouble(settings.metrics_port),
            address=stream_worker.metrics_address(settings.metrics_port),
            after=("postgres", mosquitto.NAME),
            stop_deadline_s=stream_worker.STOP_WITHIN_S,
        ),
        Service(
            name=dagster_home.CODE,
            command=dagster_home.code_server(
                # Definitions that do not load are told by the webserver, which names the reason.
                *("--lazy-load-user-code", "--socket", str(code_socket)),
            ),
            environment=environment,
            directory=Path.cwd(),
            probe=lambda _started: dagster_home.code_trouble(code_socket),
            after=("postgres",),
            stop_signal=signal.SIGKILL,  # it keeps nothing, and asked, it takes a second
        ),
        Service(
            name=dagster_home.WEBSERVER,
            command=python_module(
                *("dagster_webserver", "-w", workspace, "-h", HOST),
                *("-p", str(settings.dagster_port)),
            ),
            environment=environment,
            directory=Path.cwd(),
            probe=lambda _started: dagster_home.webserver_trouble(settings.dagster_port),
            address=f"http://{HOST}:{settings.dagster_port}",
            after=(dagster_home.CODE,),
        ),
        Service(
            name=dagster_home.DAEMON,
            command=python_module("dagster._daemon", "run", "-w", workspace),
            environment=environment,
            directory=Path.cwd(),
            probe=partial(_daemon_trouble, dagster_url),
            after=(dagster_home.CODE,),  # which makes Dagster's tables, once
        ),
        *pages,
        *simulator,
    ]


def _dashboard(settings: Settings, dashboard: Dashboard) -> Service:
    return Service(
        name=nodered.NAME,
        command=dashboard.command,
        environment=dashboard.environment,
        directory=dashboard.directory,
        probe=lambda _started: nodered.trouble(settings.nodered_port),
        address=nodered.address(settings.nodered_port),
        after=(mosquitto.NAME,),
        account=dashboard.account,
    )


def simulator_command() -> list[str]:
    """A charging station that reports what ships with the package, for as long as it runs."""
    return python_module(
        *("simulator", "replay", str(shipped_file(_SIMULATED)), "--source", "canonical"),
        *("--account", SIMULATOR, "--loop", "--interval", "1"),
    )


def _simulator(home: Path, environment: Mapping[str, str]) -> Service:
    return Service(
        name=SIMULATOR,
        command=simulator_command(),
        environment={name: value for name, value in environment.items() if "DATABASE" not in name},
        directory=home,
        probe=lambda _started: None,  # it keeps what it cannot send, and nobody calls it
        after=(stream_worker.NAME,),
    )


def _daemon_trouble(url: str, started_at_s: float) -> str | None:
    return dagster_home.daemon_trouble(url, started_at_s, time.time())
