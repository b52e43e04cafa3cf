"""What our own services run in their containers.

What lives here: commands and environments by service. What does not: what the programs do, how they
are asked (`container_probes`), or when a container starts (`infra/compose.yaml`).
"""

import os
from collections.abc import Mapping
from typing import Final

import dagster as dg

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.stack import dagster_home, stream_worker
from ev_pipeline.stack.container_probes import CODE_PORT, SIMULATOR, known
from ev_pipeline.stack.credentials import DAGSTER, stored_url
from ev_pipeline.stack.dagster_home import CODE, code_server
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.process import python_module
from ev_pipeline.stack.services import simulator_command
from ev_pipeline.stack.shipped import shipped_file

WORKSPACE: Final = "infra/code-location.yaml"
"""Where webserver and daemon find that service."""

EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - inside a container, whose network is private
"""Where a service in a container listens."""


def prepare_dagster(settings: Settings) -> None:
    """Dagster's tables are there; made by one process, before several need them.

    Raises:
        PipelineError: its secrets are missing.
    """
    os.environ.update(_environment(CODE, Layout(settings.home)))
    with dg.DagsterInstance.get():
        pass


def become(service: str, settings: Settings) -> None:
    """This process is the service from now on.

    Raises:
        PipelineError: there is no such service, or its secrets were not handed out.
    """
    command = _commands(settings)[known(service)]
    environment = _environment(service, Layout(settings.home))
    os.execve(command[0], command, environment)  # noqa: S606 - no shell is wanted


def _commands(settings: Settings) -> Mapping[str, list[str]]:
    workspace = str(shipped_file(WORKSPACE))
    return {
        stream_worker.NAME: python_module("ev_pipeline.cli.main", "stream"),
        CODE: code_server("--host", EVERYWHERE, "--port", str(CODE_PORT)),
        dagster_home.WEBSERVER: python_module(
            *("dagster_webserver", "-w", workspace, "-h", EVERYWHERE),
            *("-p", str(settings.dagster_port)),
        ),
        dagster_home.DAEMON: python_module("dagster._daemon", "run", "-w", workspace),
        SIMULATOR: simulator_command(),
    }


def _environment(service: str, layout: Layout) -> dict[str, str]:
    if service == SIMULATOR:
        return dict(os.environ)
    url = stored_url(layout, DAGSTER)
    if url is None:
        raise PipelineError(
            "its secrets were not handed out",
            mend="start the service `init`, and see its log",
            where=str(layout.credentials / DAGSTER.file),
        )
    address = url.render_as_string(hide_password=False)
    return {**os.environ, DAGSTER.variable: address, "DAGSTER_HOME": str(layout.dagster)}
