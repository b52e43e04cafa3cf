"""The ports of a local stack: which there are, and whether they are free.

What lives here: looking. What does not: listening.
"""

import errno
import socket
from contextlib import ExitStack

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import ENV_PREFIX, PORTS, Settings
from ev_pipeline.stack.credentials import HOST


def stack_ports(settings: Settings) -> dict[str, int]:
    """Every port that the stack will listen on, by the variable that sets it."""
    unused = () if settings.dashboard else ("nodered_port",)
    return {
        ENV_PREFIX + name.upper(): getattr(settings, name) for name in PORTS if name not in unused
    }


def require_free(ports: dict[str, int]) -> None:
    """Nobody listens on any of the ports, and no two of them are the same.

    Raises:
        PipelineError: naming the first that is taken and the variable that sets it.
    """
    with ExitStack() as held:
        for variable, port in ports.items():
            probe = held.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                is_taken = error.errno == errno.EADDRINUSE
                trouble = "is taken" if is_taken else f"cannot be used ({error.strerror})"
                raise PipelineError(
                    f"port {port} {trouble}",
                    mend=f"stop what listens there (ss -ltnp 'sport = :{port}'), "
                    f"or set {variable} to another port",
                    where=variable,
                ) from error
