"""The champion model, as this process holds it.

What lives here: which version labels a transaction's sessions, and having it in memory.
What does not: labels (`storage.instant_labels`), and which version becomes champion.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Final, Self

import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.models.artifact import UnreadableModelError
from ev_pipeline.storage.faults import is_infrastructure_fault
from ev_pipeline.storage.labels import Labeller
from ev_pipeline.storage.promotion import load_labeller
from ev_pipeline.storage.registry import find_version, share_champion

LABELLED_BY: Final = "stream"
"""What `ev_session_label.labelled_by` says of instant labels."""

LOOK_EVERY_S: Final = 2.0
"""How often it is looked for a new version, s: between its training and its promotion all sessions
are labelled, which takes longer where it matters."""

_LOG: Final = logging.getLogger(__name__)


class Champion:
    """The champion, read again whenever another version is it; any thread may ask.

    Args:
        engine: where models are kept.
        on_change: hears which version labels from now on; null where none does.
    """

    def __init__(
        self, engine: sa.Engine, on_change: Callable[[str | None], None] = lambda _version: None
    ) -> None:
        self._engine = engine
        self._on_change = on_change
        self._held: Labeller | None = None
        self._held_sha256 = ""
        self._unreadable: str | None = None
        self._ahead: tuple[str, Labeller | None] = ("", None)

    @property
    def version(self) -> str | None:
        """The version that labelled last; null where there was none."""
        return None if self._held is None else self._held.version

    @property
    def trained_at(self) -> datetime | None:
        """When that version was trained, UTC."""
        return None if self._held is None else self._held.trained_at

    def for_transaction(self, connection: sa.Connection, now: datetime) -> Labeller | None:
        """The version that labels what this transaction writes; null where none is champion.

        It stays champion until the transaction ends: a promotion waits for it, so that whatever is
        committed has a label of the version that readers see. A version that cannot be read labels
        nothing, and is read once: to store a session is worth more.

        Args:
            connection: the transaction.
            now: the time that its labels carry, UTC.
        """
        shared = share_champion(connection)
        held = self._held
        if shared is None:
            self._hold(None)
            self._held_sha256 = ""
            return None
        version, sha256 = shared
        if sha256 == self._unreadable:
            return None
        # A version's artifact changes where a user is taken out of it.
        if held is None or (held.version, self._held_sha256) != shared:
            try:
                held = self._read_ahead(version, sha256)
                held = held or load_labeller(self._engine, version, labelled_at=now)
            except PipelineError as error:
                if is_infrastructure_fault(error):
                    raise
                _LOG.error("sessions get no labels for now: %s", error)
                if isinstance(error, UnreadableModelError):
                    self._unreadable = sha256
                return None
            self._hold(held)
            self._held_sha256 = sha256
        return held.at(now, by=LABELLED_BY)

    def look_ahead(self) -> None:
        """The version that was trained last is in memory, for it may be champion next.

        To read one takes as long as ten batches, for which sessions would wait at a promotion.

        Raises:
            Exception: whatever reading it raises; if it is promoted it is read again.
        """
        with self._engine.connect() as connection:
            newest = find_version(connection, sa.true())
        if newest is None:
            return
        sha256 = newest.artifact_sha256
        if sha256 in {self._held_sha256, self._ahead[0], self._unreadable}:
            return
        self._ahead = (sha256, None)  # one that cannot be read is not tried again
        labeller = load_labeller(self._engine, newest.version, labelled_at=datetime.now(UTC))
        self._ahead = (sha256, labeller)

    def _read_ahead(self, version: str, sha256: str) -> Labeller | None:
        ahead_sha256, ahead = self._ahead
        is_it = ahead is not None and (ahead.version, ahead_sha256) == (version, sha256)
        return ahead if is_it else None

    def _hold(self, labeller: Labeller | None) -> None:
        before, self._held = self.version, labeller
        if self.version != before:
            self._on_change(self.version)


class Ahead(AbstractContextManager["Ahead"]):
    """A thread that has the champion look ahead.

    Args:
        champion: the champion.
    """

    def __init__(self, champion: Champion) -> None:
        self._champion = champion
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ahead")

    def __enter__(self) -> Self:
        """It looks from now on."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """It looks no more."""
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(LOOK_EVERY_S):
            try:
                self._champion.look_ahead()
            except Exception as error:  # noqa: BLE001 - without it, only a promotion waits
                _LOG.warning("the newest model was not read ahead: %s", type(error).__name__)
