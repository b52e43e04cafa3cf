"""What a charger reports of a row: payload, name, and what mishaps make of them.

What lives here: from a row to messages. What does not: keeping them (`outbox`), when (`pace`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from random import Random
from typing import Any, Final

from simulator.rows import Row
from simulator.sending.mishaps import LATE_BY_S, NO_MISHAPS, Fate, Kind, Shares, fate, garbled

UNFINISHED_S: Final = 3600
"""A session without an end is reported so long after its start, s."""


class Form(StrEnum):
    """What becomes of a row's own times, ids and form."""

    NEW_TIMES = "new times"
    OWN_TIMES = "own times"
    AS_IS = "as is"


@dataclass(frozen=True, slots=True)
class Report:
    """One message to be sent.

    Args:
        account: who sends it.
        name: the id by which its session is known: the wire's `session_id`, or the message's.
        kind: what it is.
        payload: what it says.
        message_id: the user property that goes with it; null where the payload says who it is.
        behind: after how many later messages it is sent.
    """

    account: str
    name: str
    kind: Kind
    payload: bytes
    message_id: str | None
    behind: int = 0


@dataclass(frozen=True, slots=True)
class Reporter:
    """Makes messages of rows; the same ones from the same run, seed and row.

    Args:
        run: the run's name, unlike any other's: new ids begin with it.
        seed: of everything random.
        accounts: who reports; sessions go round.
        form: what becomes of times and ids.
        shares: mishaps.
        spread_s: new ends lie at random within so long before they are sent, s; 0 is at once.
    """

    run: str
    seed: int
    accounts: Sequence[str]
    form: Form
    shares: Shares = NO_MISHAPS
    spread_s: float = 0.0

    def reports(self, row: Row, number: int, now_s: float) -> list[Report]:
        """The messages about a row; none where it has no form to be sent in.

        Args:
            row: the session.
            number: which of the run's sessions it is.
            now_s: the time, Unix time, s.
        """
        rng = Random(f"{self.seed}/{number}")  # noqa: S311 -- a simulation, no secret
        has_new_times = self.form is Form.NEW_TIMES
        destiny = fate(self.shares, rng, is_given_times=has_new_times)
        new_name = f"{self.run}-{number}"
        if self.form is Form.AS_IS:
            if row.original is None:
                return []
            return self._messages(row.original, new_name, new_name, number, destiny, rng)
        if not row.is_readable:
            return []
        fields = dict(row.fields)
        if has_new_times:
            fields |= {"session_id": new_name, **self._times(row, destiny, rng, now_s)}
            # At a time of its own it does not stand in the way of the others on its connector.
            fields.pop("connector_id", None)
        payload = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        return self._messages(
            payload, str(fields.get("session_id", new_name)), None, number, destiny, rng
        )

    def _times(self, row: Row, destiny: Fate, rng: Random, now_s: float) -> dict[str, Any]:
        """The row's times moved, its duration kept; what it does not say stays unsaid."""
        ended_s = now_s - rng.random() * self.spread_s
        if destiny.kind is Kind.LATE:
            ended_s -= rng.uniform(*LATE_BY_S)
        times = {"updated_at": _iso(ended_s)}
        if row.ended_s is not None:
            times["ended_at"] = _iso(ended_s)
        if row.started_s is not None:
            duration_s = UNFINISHED_S if row.ended_s is None else row.ended_s - row.started_s
            times["started_at"] = _iso(ended_s - duration_s)
        return times

    def _messages(
        self,
        payload: bytes,
        name: str,
        message_id: str | None,
        number: int,
        destiny: Fate,
        rng: Random,
    ) -> list[Report]:
        account = self.accounts[number % len(self.accounts)]
        reports = [Report(account, name, destiny.kind, payload, message_id, destiny.behind)]
        if destiny.repeated_behind is not None:
            behind = destiny.repeated_behind
            reports.append(Report(account, name, Kind.DUPLICATE, payload, message_id, behind))
        if destiny.garbled_behind is not None:
            damaged, behind = garbled(payload, rng), destiny.garbled_behind
            reports.append(Report(account, name, Kind.MALFORMED, damaged, None, behind))
        return reports


def _iso(moment_s: float) -> str:
    """The time to the second, as the wire writes it."""
    return datetime.fromtimestamp(int(moment_s), UTC).isoformat()
