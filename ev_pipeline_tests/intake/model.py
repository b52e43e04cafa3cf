"""The intake's rules once more, in plain Python: what any mix of loads and undos must leave.

Shares no code with the intake. A session is a stack of revisions, one for each load that stored or
replaced it, beside those that a load itself replaced; taking a load back takes its revisions away,
wherever they lie.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ev_pipeline_tests.intake.files import a_session

Record = dict[str, Any]


@dataclass
class Entry:
    """A quarantined record."""

    session_id: str
    is_unfinished: bool
    user_id: str | None
    seen: Counter[int] = field(default_factory=Counter)
    superseded_by: int | None = None
    is_kept: bool = True


@dataclass
class Model:
    """Sessions by the source's id, quarantine by record, and the counts of each standing load.

    Args:
        our_ids: our id of each session, which orders those that start and end together.
    """

    our_ids: dict[str, str]
    stacks: dict[str, list[tuple[int, Record, bool]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    passed: dict[str, list[tuple[int, Record]]] = field(default_factory=lambda: defaultdict(list))
    quarantine: dict[str, Entry] = field(default_factory=dict)
    ledger: dict[int, Counter[str]] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)

    def forget(self, user_id: str) -> None:
        """Nothing tells of a user any more."""
        self.forgotten.add(user_id)
        for stack in self.stacks.values():
            stack[:] = [(load_id, self._erased(record), flag) for load_id, record, flag in stack]
        for passed in self.passed.values():
            passed[:] = [(load_id, self._erased(record)) for load_id, record in passed]
        for entry in self.quarantine.values():
            entry.is_kept = entry.is_kept and entry.user_id not in self.forgotten

    def _erased(self, record: Record) -> Record:
        return record | {"user_id": None} if record["user_id"] in self.forgotten else record

    def load(self, load_id: int, records: list[Record], *, has_corrections: bool) -> None:
        """One file's records come in, in order."""
        base = self.stored()
        holds = {key: self._revisions(key) for key in self.our_ids}
        final: dict[str, Record] = {}
        known = set(base)
        counts: Counter[str] = Counter()
        refused: list[Record] = []
        for as_it_came in records:
            record = self._erased(as_it_came)
            key = record["session_id"]
            if record["energy_kwh"] is None and record["ended_at"] is None:
                outcome = "duplicate" if key in known else "quarantined"
            elif record["energy_kwh"] == 0:
                outcome = "quarantined"
            else:
                outcome = _decide(record, holds[key], has_corrections=has_corrections)
            if outcome in ("stored", "updated"):
                if key in final:
                    self.passed[key].append((load_id, final[key]))
                holds[key].append(record)
                final[key] = record
            if outcome == "quarantined":
                refused.append(as_it_came)
            else:
                known.add(key)
            counts[outcome] += 1
        self._write(load_id, final, base)
        self._refuse(load_id, refused)
        self.ledger[load_id] = counts

    def undo(self, load_id: int) -> None:
        """A load is taken back."""
        for key, stack in self.stacks.items():
            stack[:] = [revision for revision in stack if revision[0] != load_id]
            passed = self.passed[key]
            passed[:] = [revision for revision in passed if revision[0] != load_id]
        del self.ledger[load_id]
        for raw, entry in list(self.quarantine.items()):
            del entry.seen[load_id]
            if not entry.seen:
                del self.quarantine[raw]
            elif entry.superseded_by == load_id:
                stack = self.stacks[entry.session_id]
                entry.superseded_by = stack[-1][0] if stack else None

    def stored(self) -> dict[str, Record]:
        """What is stored of each session."""
        return {key: stack[-1][1] for key, stack in self.stacks.items() if stack}

    def _revisions(self, key: str) -> list[Record]:
        """What is stored of a session and what once was."""
        if not self.stacks[key]:
            return []
        passed = [record for _, record in self.passed[key]]
        return passed + [record for _, record, _ in self.stacks[key]]

    def _write(self, load_id: int, final: dict[str, Record], base: dict[str, Record]) -> None:
        others = [record for key, record in base.items() if key not in final]
        flags = {
            key: self._overlaps(record, [*others, *self._before(record, final.values())])
            for key, record in final.items()
        }
        for key, record in final.items():
            self.stacks[key].append((load_id, record, flags[key]))

    def _refuse(self, load_id: int, refused: list[Record]) -> None:
        for record in refused:
            is_unfinished = record["energy_kwh"] is None
            entry = self.quarantine.setdefault(
                repr(record),
                Entry(
                    record["session_id"],
                    is_unfinished,
                    record["user_id"],
                    is_kept=record["user_id"] not in self.forgotten,
                ),
            )
            entry.seen[load_id] += 1
        for entry in self.quarantine.values():
            is_open = entry.is_unfinished and entry.superseded_by is None
            if is_open and self.stacks[entry.session_id]:
                entry.superseded_by = load_id

    def _before(self, record: Record, loaded: Iterable[Record]) -> list[Record]:
        return [other for other in loaded if self._order(other) < self._order(record)]

    def _order(self, record: Record) -> tuple[str, str, str]:
        return record["started_at"], record["ended_at"], self.our_ids[record["session_id"]]

    @staticmethod
    def _overlaps(record: Record, others: list[Record]) -> bool:
        return any(
            other["connector_id"] == record["connector_id"] is not None
            and other["station_id"] == record["station_id"]
            and min(other["ended_at"], record["ended_at"])
            > max(other["started_at"], record["started_at"])
            for other in others
        )


def _decide(record: Record, revisions: list[Record], *, has_corrections: bool) -> str:
    if not revisions:
        return "stored"
    if any(_says_the_same(record, revision) for revision in revisions):
        return "duplicate"
    updated_at = record["updated_at"]
    newest_at = max(known["updated_at"] or "" for known in revisions)
    if updated_at is not None and updated_at < newest_at:
        return "duplicate"
    is_newer = updated_at is not None and newest_at != "" and updated_at > newest_at
    return "updated" if has_corrections or is_newer else "quarantined"


def _says_the_same(record: Record, revision: Record) -> bool:
    return all(value is None or value == revision[name] for name, value in record.items())


def a_record(key: str, hour: int, length_h: int, **changes: Any) -> Record:
    """A record with every field that the model looks at."""
    return (
        a_session(
            session_id=key,
            started_at=f"2024-05-06T{hour:02}:00:00Z",
            ended_at=f"2024-05-06T{hour + length_h:02}:00:00Z",
            updated_at=None,
            cost=None,
            currency=None,
        )
        | changes
    )
