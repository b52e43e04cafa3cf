"""What the worker's metrics add up to, and what came to them between two moments.

What lives here: reading counters and the histogram of latencies. What does not: counting
(`metrics`), and who is told (`lineage`).
"""

import math
from dataclasses import dataclass
from typing import Final, Self

from prometheus_client import CollectorRegistry

DECISIONS: Final = ("stored", "updated", "duplicate", "quarantined")
"""The ledger's words for what becomes of a record."""

_RECORDS: Final = "ev_stream_records_total"
_LATENCY: Final = "ev_stream_stored_seconds"


@dataclass(frozen=True, slots=True)
class Sums:
    """What became of records, and how long their messages took.

    Args:
        by_decision: records by what became of them.
        seconds: from arrival to commit, all messages together, s.
        within: messages that took at most so many seconds, by ascending seconds.
    """

    by_decision: dict[str, int]
    seconds: float
    within: dict[float, int]

    @property
    def written(self) -> int:
        """Records that are in `ev_session` now."""
        return self.by_decision["stored"] + self.by_decision["updated"]

    @property
    def mean_s(self) -> float | None:
        """From a message's arrival to its commit, s; null where none came."""
        return self.seconds / self._n_messages if self._n_messages else None

    def within_s(self, share: float) -> float | None:
        """Within how many seconds this share of the messages was committed, as a limit from above.

        Null where none came, or where it took longer than any limit that is measured.
        """
        enough = share * self._n_messages
        limits = (limit for limit, n in self.within.items() if n >= enough > 0)
        found = next(limits, math.inf)
        return found if math.isfinite(found) else None

    def since(self, earlier: Self) -> "Sums":
        """What came after the earlier sums were read."""
        return Sums(
            {each: n - earlier.by_decision[each] for each, n in self.by_decision.items()},
            self.seconds - earlier.seconds,
            {limit: n - earlier.within.get(limit, 0) for limit, n in self.within.items()},
        )

    @property
    def _n_messages(self) -> int:
        return self.within[math.inf]


def read_sums(registry: CollectorRegistry) -> Sums:
    """The sums since the worker started."""
    by_decision = dict.fromkeys(DECISIONS, 0)
    within: dict[float, int] = {}
    seconds = 0.0
    for metric in registry.collect():
        for sample in metric.samples:
            if sample.name == _RECORDS:
                by_decision[sample.labels["decision"]] = int(sample.value)
            elif sample.name == f"{_LATENCY}_bucket":
                within[float(sample.labels["le"])] = int(sample.value)
            elif sample.name == f"{_LATENCY}_sum":
                seconds = sample.value
    return Sums(by_decision, seconds, within)
