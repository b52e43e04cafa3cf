"""Who tells the world what changed: panels and progress, by a connection of its own.

It follows the change log, so that sessions from every door are told of. What lives here: when
something is told. What does not: what panels show (`panels`), the process that it may have to
itself (`telling`), and what the worker itself publishes (`running`).
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Self

import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.session import Session
from ev_pipeline.panels.envelope import encode
from ev_pipeline.panels.rounds import build_round
from ev_pipeline.panels.state_panels import StreamState
from ev_pipeline.settings import Settings
from ev_pipeline.storage.faults import DATABASE_ERRORS, is_infrastructure_fault
from ev_pipeline.storage.rollups import compact
from ev_pipeline.stream.progress import progress_of

LIVE_INTERVAL_S: Final = 0.1
"""s; contracts: at most ten live panels a second."""

ROUND_INTERVAL_S: Final = 1.0
"""s; contracts: at most one message a second of any other panel. As often it is looked whether
sessions came in by another door."""

GREATEST_SHARE: Final = 0.2
"""Of the time, at most: what tells shares the machine with what stores."""

LONGEST_REST_S: Final = 0.1
"""After the log is folded and between two panels of a round, s: it is spread, for sessions that
came while it was made at once would wait for all of it; and it is to be told while it is news."""

CONNECT_WITHIN_S: Final = 3.0
"""s; who is not connected by then, at the end, leaves it to the next start to tell."""

DRAIN_WITHIN_S: Final = 5.0
"""s; by then the broker has taken what was told last, some hundred kilobytes, or it is away."""

_OTHER_PANELS: Final = tuple(name for name in topics.STREAM_PANELS if name != topics.LIVE_PANEL)

_POSITION: Final = sa.text("""
    select (select max(seq) from ev_session_change), (select sum(received) from ev_ledger),
        (select version from ev_model where is_champion)
""")
"""What moves panels and progress: sessions, records that were refused, and the champion."""

_LOG: Final = logging.getLogger(__name__)


class Teller(AbstractContextManager["Teller"]):
    """Threads that publish what changed, as often as contracts allow.

    Args:
        engine: the database.
        settings: reporting zone and currency, and the broker.
        state: what the worker knows of itself.
    """

    def __init__(
        self, engine: sa.Engine, settings: Settings, state: Callable[[], StreamState]
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._client = Client(
            Login.from_settings(settings),
            Session(on_connected=lambda _generation: self._tell_anew()),
        )
        self._state = state
        self._stopping = threading.Event()
        self._live_changed, self._changed = threading.Event(), threading.Event()
        self._live = threading.Thread(
            target=self._repeat, args=(self._tell_live, self._live_changed), name="live"
        )
        self._rounds = threading.Thread(target=self._run, name="teller")
        self._told_position: tuple[Any, ...] | None = None
        self._is_to_tell_anew = False
        self._live_due_at = self._round_due_at = self._rested_s = self._told_at = 0.0

    def __enter__(self) -> Self:
        """It tells as soon as broker and database are there, however often they go."""
        self._client.start()
        self._live.start()
        self._rounds.start()
        return self

    def __exit__(self, *_: object) -> None:
        """The last changes are told; nothing is after that."""
        self._stopping.set()
        self.note_change()
        self._rounds.join()
        self._client.drain(DRAIN_WITHIN_S)
        self._client.stop()

    def note_change(self) -> None:
        """Something was committed."""
        self._live_changed.set()
        self._changed.set()

    def _tell_anew(self) -> None:
        """The broker is there again, and may have lost what it had retained."""
        self._is_to_tell_anew = True
        self.note_change()

    def _run(self) -> None:
        self._repeat(self._tell_due_round, self._changed)
        self._live.join()
        self._is_told(self._tell_last)

    def _repeat(self, tell: Callable[[bool], None], changed: threading.Event) -> None:
        """Tell whenever something changed, and look for it each second, until the end."""
        while not self._stopping.is_set():
            was_nudged = changed.wait(ROUND_INTERVAL_S)
            changed.clear()
            # Nothing is made for a broker that is away: it would wait in memory for its return.
            if self._client.is_connected and not self._is_told(partial(tell, was_nudged)):
                self._stopping.wait(ROUND_INTERVAL_S)

    def _is_told(self, tell: Callable[[], None]) -> bool:
        """Whether it could be told: the database may be away."""
        try:
            tell()
        except (*DATABASE_ERRORS, PipelineError) as error:
            if not is_infrastructure_fault(error) and not isinstance(error, PipelineError):
                raise
            _LOG.warning("panels wait: %s", str(error).splitlines()[0])
            return False
        return True

    def _tell_last(self) -> None:
        """Tell what was committed since the last round: no other is to come.

        A worker that is stopped at its start may have stored before this was connected, and the
        live panel may have waited for its turn when the end came.
        """
        if not self._client.is_connected_within(CONNECT_WITHIN_S):
            return
        if self._position() != self._told_position:
            self._tell_round(topics.STREAM_PANELS)
        else:
            self._publish_panels(self._panels((topics.LIVE_PANEL,)))

    def _tell_live(self, was_nudged: bool) -> None:  # noqa: FBT001 -- `_repeat` says it by place
        """Tell the live panel, which never waits for a round of the others."""
        if was_nudged and self._wait_until(self._live_due_at):
            began_at = time.monotonic()
            try:
                self._publish_panels(self._panels((topics.LIVE_PANEL,)))
            except Exception:
                self._live_changed.set()  # no position tells that it is still to be told
                raise
            taken_s = time.monotonic() - began_at
            self._live_due_at = began_at + max(LIVE_INTERVAL_S, taken_s / GREATEST_SHARE)

    def _tell_due_round(self, was_nudged: bool) -> None:  # noqa: FBT001 -- the same
        """Tell a round if one is due, and have the live panel told where another door moved it."""
        began_at = time.monotonic()
        if began_at < self._round_due_at:
            return
        self._rested_s = 0.0
        position = self._position()
        if self._is_to_tell_anew or position != self._told_position:
            if not was_nudged:
                self._live_changed.set()
            # Before the round: the broker may go, and be there again, while it is told.
            self._is_to_tell_anew, self._told_position = False, None
            self._tell_round(_OTHER_PANELS)
            self._told_position = position
            busy_s = time.monotonic() - began_at - self._rested_s
            self._round_due_at = began_at + max(ROUND_INTERVAL_S, busy_s / GREATEST_SHARE)

    def _tell_round(self, panels: tuple[str, ...]) -> None:
        """Tell these panels and progress."""
        began_at = time.monotonic()
        compact(self._engine, self._settings)
        self._rest(time.monotonic() - began_at)
        documents = self._panels(panels, self._rest)
        # Rounds that began an interval apart may be done in less, if the first rested longer.
        self._pause(self._told_at + ROUND_INTERVAL_S - time.monotonic())
        self._told_at = time.monotonic()
        self._publish_panels(documents)
        self._publish(
            topics.PROGRESS,
            progress_of(self._engine, self._settings, self._state(), datetime.now(UTC)),
        )

    def _rest(self, taken_s: float) -> None:
        """Let others have the machine after so much work, but at the end."""
        self._pause(min(taken_s / GREATEST_SHARE - taken_s, LONGEST_REST_S))

    def _pause(self, rest_s: float) -> None:
        if rest_s > 0 and not self._stopping.wait(rest_s):
            self._rested_s += rest_s

    def _panels(
        self, names: tuple[str, ...], rest: Callable[[float], object] = lambda _taken_s: None
    ) -> dict[str, dict[str, Any]]:
        return build_round(
            self._engine,
            self._settings,
            names,
            generated_at=datetime.now(UTC),
            stream=self._state(),
            rest=rest,
        )

    def _publish_panels(self, documents: Mapping[str, Mapping[str, Any]]) -> None:
        for name, document in documents.items():
            self._publish(topics.panel(name), document)

    def _publish(self, topic: str, document: Mapping[str, Any]) -> None:
        self._client.publish(topic, encode(document), is_retained=True)

    def _position(self) -> tuple[Any, ...]:
        with self._engine.connect() as connection:
            return tuple(connection.execute(_POSITION).one())

    def _wait_until(self, moment: float) -> bool:
        """Whether the moment has come before the end."""
        return not self._stopping.wait(max(0.0, moment - time.monotonic()))
