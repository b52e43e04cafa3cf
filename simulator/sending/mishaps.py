"""What goes wrong between a charger and the broker, at the rates that options state.

Each adds a message or moves one; none costs a session, so that what was accepted can be held
against what is stored. What lives here: which message suffers what. What does not: faults of
exported rows (`simulator.faults`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

BEHIND_AT_MOST: Final = 20
"""A repeated or overtaken message comes at most so many messages later."""

LATE_BEHIND: Final = (100, 500)
"""A late session that keeps its own times comes so many messages later, at least and at most."""

LATE_BY_S: Final = (600, 43_200)
"""A late session that is given its times ended so long before it is sent, at least and at most, s:
a charger without a network for some minutes to half a day."""


class Kind(StrEnum):
    """What a message is."""

    PLAIN = "plain"
    DUPLICATE = "duplicate"
    MALFORMED = "malformed"
    LATE = "late"
    OUT_OF_ORDER = "out_of_order"

    @property
    def is_session(self) -> bool:
        """Whether it stands for a session of its own, so that its id counts."""
        return self not in (Kind.DUPLICATE, Kind.MALFORMED)


@dataclass(frozen=True, slots=True)
class Shares:
    """How often each mishap happens, as a share of the sessions, 0 to 1."""

    duplicate: float = 0.0
    malformed: float = 0.0
    late: float = 0.0
    out_of_order: float = 0.0


NO_MISHAPS: Final = Shares()
"""Every message arrives once, in order."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one session's report.

    Args:
        kind: plain, late or out of order.
        behind: after how many later messages it is sent.
        repeated_behind: after how many a duplicate follows; null where none does.
        garbled_behind: after how many a damaged copy follows; null where none does.
    """

    kind: Kind
    behind: int
    repeated_behind: int | None
    garbled_behind: int | None


def fate(shares: Shares, rng: Random, *, is_given_times: bool) -> Fate:
    """What happens to a session's report: late goes before out of order where both would.

    Args:
        shares: how often what happens.
        rng: chance.
        is_given_times: whether the session's times are made up, so that being late is in them.
    """
    is_repeated = rng.random() < shares.duplicate
    is_garbled = rng.random() < shares.malformed
    is_late = rng.random() < shares.late
    is_overtaken = rng.random() < shares.out_of_order
    kind, behind = Kind.PLAIN, 0
    if is_late:
        kind, behind = Kind.LATE, 0 if is_given_times else rng.randint(*LATE_BEHIND)
    elif is_overtaken:
        kind, behind = Kind.OUT_OF_ORDER, _a_few(rng)
    return Fate(
        kind=kind,
        behind=behind,
        repeated_behind=behind + _a_few(rng) if is_repeated else None,
        garbled_behind=behind + _a_few(rng) if is_garbled else None,
    )


def garbled(payload: bytes, rng: Random) -> bytes:
    """The payload as a bad line leaves it: never one that can be read."""
    return rng.choice(_DAMAGES)(payload, rng)


def _a_few(rng: Random) -> int:
    return rng.randint(1, BEHIND_AT_MOST)


def _cut(payload: bytes, rng: Random) -> bytes:
    return payload[: rng.randint(1, len(payload) - 1)]


def _not_utf_8(payload: bytes, rng: Random) -> bytes:
    place = rng.randint(1, len(payload) - 1)
    return payload[:place] + b"\xff\xfe" + payload[place:]


def _run_together(payload: bytes, _rng: Random) -> bytes:
    return payload + payload


_DAMAGES: Final[tuple[Callable[[bytes, Random], bytes], ...]] = (_cut, _not_utf_8, _run_together)
