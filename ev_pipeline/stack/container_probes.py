"""How our own services in containers are asked whether they work, from within.

What lives here: the probes, which import little: they run again and again. What does not: what the
services run (`container_services`).
"""

import time
from collections.abc import Callable, Mapping
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.stack import dagster_home, stream_worker
from ev_pipeline.stack.credentials import DAGSTER, stored_url
from ev_pipeline.stack.dagster_home import CODE
from ev_pipeline.stack.layout import Layout

CODE_PORT: Final = 4000
"""As `infra/code-location.yaml` has it."""

SIMULATOR: Final = "simulator"

SERVICES: Final = (
    stream_worker.NAME,
    CODE,
    dagster_home.WEBSERVER,
    dagster_home.DAEMON,
    SIMULATOR,
)

_CODE_API: Final = "DagsterApi"
"""As Dagster's code server calls itself to whoever asks for its health."""

_ANSWER_WITHIN_S: Final = 5

_REPORTS_WITHIN_S: Final = 60
"""The simulator reports a session a second; for so long it is never silent, s."""


def trouble(service: str, settings: Settings) -> str | None:
    """Null where the service in this container works, else why not.

    Raises:
        PipelineError: there is no such service, or waiting for it is of no use.
    """
    probes: Mapping[str, Callable[[], str | None]] = {
        stream_worker.NAME: lambda: stream_worker.trouble(settings.metrics_port),
        CODE: _code_trouble,
        dagster_home.WEBSERVER: lambda: dagster_home.webserver_trouble(settings.dagster_port),
        dagster_home.DAEMON: lambda: _daemon_trouble(Layout(settings.home)),
        SIMULATOR: lambda: _simulator_trouble(Layout(settings.home)),
    }
    return probes[known(service)]()


def known(service: str) -> str:
    """The service's name.

    Raises:
        PipelineError: there is none.
    """
    if service not in SERVICES:
        raise PipelineError(f"no service is named {service}", mend=f"try {', '.join(SERVICES)}")
    return service


def _code_trouble() -> str | None:
    import grpc  # noqa: PLC0415 -- the other services have no use for it
    from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: PLC0415 -- the same

    with grpc.insecure_channel(f"127.0.0.1:{CODE_PORT}") as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=_CODE_API), timeout=_ANSWER_WITHIN_S
            )
        except grpc.RpcError as error:
            return f"it does not answer ({error.code().name})"
    return None if answer.status == health_pb2.HealthCheckResponse.SERVING else "it does not serve"


def _daemon_trouble(layout: Layout) -> str | None:
    url = stored_url(layout, DAGSTER)
    if url is None:
        return "it has no credentials"
    address = dagster_home.libpq(url.render_as_string(hide_password=False))
    return dagster_home.daemon_trouble(address, 0, time.time())


def _simulator_trouble(layout: Layout) -> str | None:
    written = [path.stat().st_mtime for path in layout.outbox.rglob("*") if path.is_file()]
    age_s = time.time() - max(written, default=0)
    return None if age_s < _REPORTS_WITHIN_S else "it has reported nothing for a minute"
