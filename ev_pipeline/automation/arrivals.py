"""Whether new sessions call for a run: a pure decision.

What lives here: the decision, and what it remembers. What does not: asking broker and Dagster
(`sensors`), and what the run does (`jobs`).
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

LONGEST_WAIT: Final = timedelta(hours=1)
"""Between two tries of what fails again and again: waits double from the interval up to it."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far runs were asked for, which survives restarts as a sensor's cursor.

    Args:
        epoch: which ledger: a database that was made anew has another.
        seq: the change log's position.
        attempt: how often it was asked for before.
    """

    epoch: str
    seq: int
    attempt: int = 0

    @classmethod
    def from_cursor(cls, cursor: str | None) -> Self | None:
        """What `as_cursor` wrote; null where nothing was."""
        return None if cursor is None else cls(**json.loads(cursor))

    def as_cursor(self) -> str:
        """Its text."""
        return json.dumps(asdict(self))

    @property
    def run_key(self) -> str:
        """The name of the run that is asked for: Dagster starts each once."""
        return f"{self.epoch}:{self.seq}:{self.attempt}"


@dataclass(frozen=True, slots=True)
class Progress:
    """What the worker says.

    Args:
        is_online: whether it is there.
        epoch: which ledger.
        seq: the change log's position.
        has_champion: whether there is a model that labels.
    """

    is_online: bool
    epoch: str
    seq: int
    has_champion: bool


class RunState(StrEnum):
    """How a run stands."""

    UNDER_WAY = "under way"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last run that was started, by whomever.

    Args:
        state: how it stands.
        started_at: when it was asked for, UTC.
    """

    state: RunState
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Skip:
    """No run.

    Args:
        reason: why, for people.
    """

    reason: str


def decide(
    progress: Progress | None,
    asked: Position | None,
    last: LastRun | None,
    *,
    now: datetime,
    interval: timedelta,
) -> Position | Skip:
    """The run to ask for, or why there is none.

    Args:
        progress: what the worker says; null where it never said anything.
        asked: what was asked for last; null where nothing ever was.
        last: the last run; null where there is none.
        now: the time, UTC.
        interval: at most one run in it.
    """
    if progress is None or not progress.is_online:
        return Skip("the stream is offline: `ev-pipeline up` starts it")
    if not progress.has_champion:
        return Skip("no model labels yet: `ev-pipeline run retrain` trains one")
    if last is not None and last.state is RunState.UNDER_WAY:
        return Skip("the last run is under way")
    wanted = _wanted(progress, asked, last)
    if wanted is None:
        return Skip(f"nothing new since change {progress.seq}")
    if last is not None:
        due_at = last.started_at + _wait(interval, wanted.attempt)
        if now < due_at:
            return Skip(f"the next run may start at {due_at:%H:%M:%S} UTC")
    return wanted


def _wanted(progress: Progress, asked: Position | None, last: LastRun | None) -> Position | None:
    """What a run would be for; null where there is nothing for it to do."""
    arrived = Position(progress.epoch, progress.seq)
    if asked is None or asked.epoch != arrived.epoch or asked.seq < arrived.seq:
        return arrived
    has_failed = last is not None and last.state is RunState.FAILED
    if has_failed or arrived.seq < asked.seq:
        return replace(arrived, attempt=asked.attempt + 1)
    return None


def _wait(interval: timedelta, attempt: int) -> timedelta:
    doubled: timedelta = interval * (1 << min(attempt, 20))
    return min(doubled, max(interval, LONGEST_WAIT))
