"""What monitoring sees of the worker: Prometheus metrics, without anybody's data.

What lives here: the metrics and the page that shows them. What does not: measuring.
"""

import math
import time
from collections import Counter as Counts
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.broker_figures import Queue
from ev_pipeline.messaging.messages import Message
from ev_pipeline.settings import Settings
from ev_pipeline.storage.outcomes import Decision, Outcome

METRICS_HOST: Final = "127.0.0.1"
"""Where they are read from: metrics name nobody, and are this machine's business all the same."""

_SECONDS: Final = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30,
)  # fmt: skip
"""s; fine around the marks of 50, 100 and 250 ms."""

_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


class Metrics:
    """The worker's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.records = Counter(
            "ev_stream_records",
            "Records whose effect is committed, by what became of them.",
            ["decision"],
            registry=self.registry,
        )
        for decision in get_args(Decision):  # a rate needs the 0 before the first
            self.records.labels(decision)
        self.quarantined = Counter(
            "ev_stream_quarantined",
            "Reasons for which records were refused.",
            ["reason"],
            registry=self.registry,
        )
        self.messages = Counter(
            "ev_stream_messages",
            "Messages received, by whether the broker had sent them before.",
            ["delivery"],
            registry=self.registry,
        )
        for delivery in ("first", "again"):
            self.messages.labels(delivery)
        self.batch_messages = Histogram(
            "ev_stream_batch_messages",
            "Messages stored in one transaction.",
            buckets=_SIZES,
            registry=self.registry,
        )
        self.commit_s = Histogram(
            "ev_stream_commit_seconds",
            "From taking a batch to its commit, and the broker's being told of it.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.redelivered = 0
        self.in_flight_messages = 0
        self._last_lag_s: float | None = None
        self._oldest_at_s: float | None = None
        self._taken_at = 0.0
        self.stored_s = Histogram(
            "ev_stream_stored_seconds",
            "From a message's arrival to its commit.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.up = self._gauge("up", "1 while sessions are taken: connected to the broker.")
        self.in_flight = self._gauge("in_flight", "Messages taken and not committed.")
        lag_s = self._gauge(
            "lag_seconds",
            "Age of the oldest message that is not committed, or that it had when it was.",
        )
        lag_s.set_function(lambda: _or_unknown(self.lag_s))
        self._queue_depth = self._gauge("queue_depth", "Messages that the broker holds.")
        self._queue_bytes = self._gauge("queue_bytes", "Bytes that the broker holds.")
        self._queue_limit = self._gauge(
            "queue_limit_messages", "Messages beyond which the broker drops."
        )
        self._queue_limit_bytes = self._gauge(
            "queue_limit_bytes", "Bytes beyond which the broker drops."
        )
        self._broker_dropped = self._gauge(
            "broker_dropped_messages", "Messages that the broker has dropped since it started."
        )
        for figure in (self._queue_depth, self._queue_bytes, self._broker_dropped):
            figure.set(math.nan)  # until the broker has said it
        self.champion = Gauge(
            "ev_stream_champion",
            "1 for the model version that labels.",
            ["version"],
            registry=self.registry,
        )
        self._champion_trained_at = self._gauge(
            "champion_trained_timestamp_seconds",
            "When the version that labels was trained, Unix time; NaN where none labels.",
        )
        self._champion_trained_at.set(math.nan)
        self.faults = Counter(
            "ev_stream_faults",
            "Times that a service was away.",
            ["service"],
            registry=self.registry,
        )

    @property
    def lag_s(self) -> float | None:
        """Age of the oldest message that is not committed, s.

        Where none waits, the age that the oldest of the last ones had when they were; null before
        the first.
        """
        oldest_at_s = self._oldest_at_s
        return self._last_lag_s if oldest_at_s is None else _age_s(oldest_at_s, time.time())

    def took(self, messages: Sequence[Message], *, waiting: int) -> None:
        """A batch was taken.

        Args:
            messages: the batch.
            waiting: messages that came meanwhile.
        """
        self._taken_at = time.perf_counter()
        self._oldest_at_s = messages[0].received_at_s
        redelivered = sum(message.is_redelivered for message in messages)
        self.redelivered += redelivered
        self.messages.labels("again").inc(redelivered)
        self.messages.labels("first").inc(len(messages) - redelivered)
        self.batch_messages.observe(len(messages))
        self.in_flight_messages = len(messages) + waiting
        self.in_flight.set(self.in_flight_messages)

    def stored(self, messages: Sequence[Message], now_s: float) -> None:
        """A batch is committed and acknowledged.

        Args:
            messages: the batch, in the order in which it came.
            now_s: Unix time, s.
        """
        self.commit_s.observe(time.perf_counter() - self._taken_at)
        for message in messages:
            self.stored_s.observe(_age_s(message.received_at_s, now_s))
        self._last_lag_s = _age_s(messages[0].received_at_s, now_s)
        self._oldest_at_s = None
        self.in_flight_messages -= len(messages)
        self.in_flight.set(self.in_flight_messages)

    def decided(self, outcomes: Sequence[Outcome]) -> None:
        """The records of a batch have met their fates."""
        for decision, count in Counts(outcome.decision for outcome in outcomes).items():
            self.records.labels(decision).inc(count)
        codes = Counts(reason["code"] for outcome in outcomes for reason in outcome.reasons)
        for code, count in codes.items():
            self.quarantined.labels(code).inc(count)

    def shows_champion(self, version: str | None, trained_at: datetime | None) -> None:
        """The champion is this version, and no other."""
        self.champion.clear()
        if version is not None:
            self.champion.labels(version).set(1)
        self._champion_trained_at.set(trained_at.timestamp() if trained_at else math.nan)

    def shows_queue(self, queue: Queue, settings: Settings) -> None:
        """What the broker last said of its queue, beside the limits beyond which it drops."""
        self._queue_depth.set(_or_unknown(queue.messages))
        self._queue_bytes.set(_or_unknown(queue.size_bytes))
        self._broker_dropped.set(_or_unknown(queue.dropped))
        self._queue_limit.set(settings.broker_queue_messages)
        self._queue_limit_bytes.set(settings.broker_queue_bytes)

    @contextmanager
    def page(self, host: str, port: int) -> Iterator[None]:
        """Show the metrics at `http://host:port/metrics` meanwhile.

        Raises:
            PipelineError: the port is taken.
        """
        try:
            server, thread = start_http_server(port, addr=host, registry=self.registry)
        except OSError as error:
            raise PipelineError(
                f"the port of the metrics cannot be used ({error.strerror})",
                mend="stop what listens there, or set EV_METRICS_PORT to another",
                where=f"{host}:{port}",
            ) from error
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"ev_stream_{name}", text, registry=self.registry)


def _age_s(at_s: float, now_s: float) -> float:
    """Clocks may be set back: nothing is younger than 0."""
    return max(0.0, now_s - at_s)


def _or_unknown(figure: float | None) -> float:
    """Prometheus knows no null."""
    return math.nan if figure is None else figure
