"""A prepared data directory that is served for as long as somebody has work with it.

What lives here: the server outside the supervisor, for what is done while the stack is down. What
does not: the stack's own service (`services`), or making the directory (`postgres`).
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stack import process
from ev_pipeline.stack.cluster import STOP_SIGNAL, Cluster
from ev_pipeline.stack.logs import last_line, log_path

ANSWERS_WITHIN_S: Final = 60
"""By when a server answers, s; one that has to recover first takes seconds."""

STOPS_WITHIN_S: Final = 60
"""By when a server has stopped, s: it writes what it holds."""

POLL_S: Final = 0.05
"""How often a server that starts is asked whether it answers, s."""


@contextmanager
def served(cluster: Cluster) -> Iterator[subprocess.Popen[bytes]]:
    """Within, the server of a prepared data directory answers; it has stopped at the end.

    Raises:
        PipelineError: it does not come up.
    """
    server = start_server(cluster)
    try:
        _await_answer(cluster, server)
        yield server
    finally:
        process.stop(server, stop_signal=STOP_SIGNAL, deadline_s=STOPS_WITHIN_S)


def start_server(cluster: Cluster) -> subprocess.Popen[bytes]:
    """The server of a prepared data directory is on its way."""
    return process.start(
        cluster.command,
        environment=cluster.environment,
        log=log_path(cluster.layout, "postgres"),
        directory=cluster.layout.home,
        account=cluster.account,
        stop_signal=STOP_SIGNAL,
    )


def _await_answer(cluster: Cluster, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + ANSWERS_WITHIN_S
    while trouble := cluster.trouble():
        if server.poll() is not None or time.monotonic() > deadline:
            log = log_path(cluster.layout, "postgres")
            raise PipelineError(
                f"PostgreSQL does not come up ({last_line(log) or trouble})",
                mend=f"the reason is in {log}",
                where=str(cluster.layout.postgres),
            )
        time.sleep(POLL_S)
