"""A message in the outbox, and what was heard of such messages.

What lives here: what the outbox and the connections tell each other. What does not: either of them.
"""

from collections import Counter
from dataclasses import dataclass, field

from simulator.sending.mishaps import Kind


@dataclass(frozen=True, slots=True)
class Kept:
    """A message in the outbox.

    Args:
        number: its number here.
        place: where it stands in the order of sending.
        run: the run that it belongs to.
        name: the id by which its session is known.
        kind: what it is.
        message_id: the user property that goes with it; null where none does.
        payload: what it says.
        is_accepted: whether the broker has accepted it, and may yet forget it.
    """

    number: int
    place: int
    run: str
    name: str
    kind: Kind
    message_id: str | None
    payload: bytes
    is_accepted: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """What was heard since the last time.

    Args:
        accepted: messages that the broker has accepted for the first time.
        again: messages that it has accepted once more.
        safe: accepted messages that it cannot forget any more.
        refused: messages that it will never take, with its reason code.
        rejected: codes of what the worker refused, with how many of each.
    """

    accepted: list[Kept] = field(default_factory=list)
    again: list[Kept] = field(default_factory=list)
    safe: list[Kept] = field(default_factory=list)
    refused: list[tuple[Kept, int]] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return any((self.accepted, self.again, self.safe, self.refused, self.rejected))
