"""What the worker says of itself to whoever asks its page of metrics, as `status` does.

What lives here: reading the page. What does not: what stands on it (`metrics`).
"""

import math
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Final, Self

from prometheus_client.parser import text_string_to_metric_families

from ev_pipeline.stream.metrics import METRICS_HOST

ANSWER_WITHIN_S: Final = 2.0
"""s; the page is made in milliseconds."""

_QUEUE_DEPTH: Final = "ev_stream_queue_depth"
_LAG_S: Final = "ev_stream_lag_seconds"


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """How the worker keeps up.

    Args:
        queue_depth: messages that wait at the broker; null where nobody says so.
        lag_seconds: age of the oldest message that is not committed, else the age that the last
            one had when it was; null before the first, and where the worker is away.
    """

    queue_depth: int | None = None
    lag_seconds: float | None = None

    @classmethod
    def read_from(cls, port: int) -> Self:
        """The figures of the worker whose metrics are on this port; nulls where there is none."""
        connection = HTTPConnection(METRICS_HOST, port, timeout=ANSWER_WITHIN_S)
        try:
            connection.request("GET", "/metrics")
            page = connection.getresponse().read().decode()
            found = {
                sample.name: sample.value
                for family in text_string_to_metric_families(page)
                for sample in family.samples
                if not math.isnan(sample.value)
            }
        except (OSError, HTTPException, ValueError):  # nobody, or somebody else, listens there
            return cls()
        finally:
            connection.close()
        depth = found.get(_QUEUE_DEPTH)
        return cls(None if depth is None else int(depth), found.get(_LAG_S))
