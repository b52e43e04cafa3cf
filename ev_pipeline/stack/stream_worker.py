"""The stream worker as one of the stack's services: its name, and whether it takes sessions.

What lives here: asking its page of metrics. What does not: the worker (`ev_pipeline.stream`).
"""

import http.client
from typing import Final

from ev_pipeline.stack.credentials import HOST

NAME: Final = "stream"

STOP_WITHIN_S: Final = 20
"""s, whole; by then what it was given is stored and acknowledged, or left to the broker: it ends
itself, and whoever asked it to stop need not wait longer before it is killed."""

ANSWER_WITHIN_S: Final = 2
"""s; the page is made in milliseconds."""

_IS_UP: Final = b"\nev_stream_up 1.0\n"


def metrics_address(port: int) -> str:
    """Where its metrics are, under `/metrics`."""
    return f"http://{HOST}:{port}"


def trouble(port: int) -> str | None:
    """Null where it takes sessions, else why not."""
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_WITHIN_S)
    try:
        connection.request("GET", "/metrics")
        page = connection.getresponse().read()
    except (OSError, http.client.HTTPException) as error:
        return f"no metrics on port {port} ({error})"
    finally:
        connection.close()
    return None if _IS_UP in page else "it does not take sessions yet"
