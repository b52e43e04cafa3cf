"""What the stream stored, told to Dagster's event log, so that the lineage graph shows the stream.

What lives here: one event a minute at most for each asset that the stream fills, on a thread of its
own. What does not: what is counted (`metrics`), and runs, which tell of themselves.
"""

import gc
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Self

from prometheus_client import CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError

from ev_pipeline.stream.lineage_sums import Sums, read_sums

if TYPE_CHECKING:
    import dagster as dg

HOME_VARIABLE: Final = "DAGSTER_HOME"
"""Where Dagster itself looks for its instance; without it there is no lineage to tell."""

INTERVAL_S: Final = 60.0
"""s; each event is a row that Dagster keeps for ever."""

SESSIONS: Final = "ev_session"
LABELS: Final = "session_labels"

END_WITHIN_S: Final = 2.0
"""s; a worker that is to end waits no longer for a Dagster that hangs."""

_MEDIAN: Final = 0.5
_ALMOST_ALL: Final = 0.99

_LOG: Final = logging.getLogger(__name__)


class Lineage:
    """A thread that tells Dagster what the stream stored since it last did.

    A Dagster that is away holds up nothing: what it was not told is in the next event.

    Args:
        registry: what the worker counts.
        version: the model version that labels; null where none does.
        interval_s: between two events, s.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        version: Callable[[], str | None],
        *,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._registry = registry
        self._version = version
        self._interval_s = interval_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lineage", daemon=True)
        self._told = read_sums(registry)
        self._told_at = datetime.now(UTC)
        self._instance: dg.DagsterInstance | None = None
        self._is_away = False

    def __enter__(self) -> Self:
        """It tells from now on."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing more is told; a Dagster that hangs keeps nobody from ending."""
        self._stopping.set()
        self._thread.join(END_WITHIN_S)

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_s):
            sums = read_sums(self._registry)
            if sums.written > self._told.written:
                self._tell(sums, datetime.now(UTC))
        if self._instance is not None:
            self._instance.dispose()

    def _tell(self, sums: Sums, now: datetime) -> None:
        """Dagster knows of everything up to `sums`; if it is away, it is told of it later."""
        dg, away = _dagster()
        try:
            if self._instance is None:
                self._instance = dg.DagsterInstance.get()
            for asset, metadata in self._events(sums).items():
                self._instance.report_runless_asset_event(
                    dg.AssetMaterialization(
                        asset, description="what the stream stored", metadata=metadata
                    )
                )
        except away as error:
            if not self._is_away:
                _LOG.warning("Dagster is not told of sessions for now: %s", type(error).__name__)
            self._is_away = True
            return
        if self._is_away:
            _LOG.info("Dagster is told of sessions again")
        self._is_away = False
        self._told, self._told_at = sums, now

    def _events(self, sums: Sums) -> dict[str, dict[str, Any]]:
        """The metadata of each asset that has changed."""
        since = sums.since(self._told)
        latencies = {
            "latency_mean_s": since.mean_s,
            "latency_p50_s": since.within_s(_MEDIAN),
            "latency_p99_s": since.within_s(_ALMOST_ALL),
        }
        common = {
            "since": self._told_at.isoformat(),
            **{name: value for name, value in latencies.items() if value is not None},
        }
        events = {SESSIONS: {**since.by_decision, **common}}
        version = self._version()
        if version is not None:
            events[LABELS] = {"labelled": since.written, "model_version": version, **common}
        return events


@cache
def _dagster() -> tuple[ModuleType, tuple[type[Exception], ...]]:
    """Dagster, and what it raises where its home or its database is away.

    Imported only once there is something to tell, it costs a worker 60 MB and no session more than
    10 ms: looking through all that it makes for garbage, as would otherwise be done again and
    again, takes 80 ms in which nothing is stored.
    """
    gc.disable()
    try:
        import dagster as dg  # noqa: PLC0415 - see above
        from dagster_postgres.utils import DagsterPostgresException  # noqa: PLC0415 - the same
    finally:
        gc.freeze()
        gc.enable()
    return dg, (dg.DagsterError, DagsterPostgresException, SQLAlchemyError, OSError)
