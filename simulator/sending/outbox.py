"""The outbox: what was reported and is not yet safe, on disk, with the place in the source.

A message is here before it is sent, is counted as accepted once, and leaves when the broker cannot
forget it any more; the place in the source moves in the same transaction as the messages made of
it. A killed simulator neither loses one nor makes one twice.

What lives here: what is written when. What does not: the file (`outbox_file`), sending (`clients`).
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from ev_pipeline.domain.errors import PipelineError
from simulator.sending.kept import Answers, Kept
from simulator.sending.mishaps import Kind
from simulator.sending.outbox_file import FILE, opened
from simulator.sending.reports import Report

_WAITS: Final = "refused_code IS NULL AND number NOT IN (SELECT number FROM held)"
"""The condition of messages that the broker has yet to accept."""

_TALLY: Final = "INSERT INTO tally VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n"


@dataclass(frozen=True, slots=True)
class Run:
    """A source on its way to the broker, from its first row to its last.

    Args:
        name: unlike any other run's.
        seed: of everything random in it.
        next_row: the row of the source that comes next, counted from 0.
        n_made: sessions made so far, over every pass through the source.
        is_over: whether nothing more is to be made.
    """

    name: str
    seed: int
    next_row: int = 0
    n_made: int = 0
    is_over: bool = False


class Outbox:
    """The outbox in a directory; one process at a time has it.

    Args:
        directory: where it is; made if it is missing.

    Raises:
        PipelineError: another process has it, or it cannot be used.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._db = opened(self._path)
        except (OSError, sqlite3.Error) as error:
            is_taken = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
            if is_taken:
                what, mend = "another simulator sends from this outbox", "wait for it, or give"
            else:
                what, mend = f"the outbox cannot be used ({error})", "give"
            raise PipelineError(
                what, mend=f"{mend} this one its own by --outbox DIR", where=str(self._path)
            ) from error
        (self._last,) = self._db.execute("SELECT coalesce(max(number), 0) FROM message").fetchone()

    def __enter__(self) -> Self:
        """The outbox, open."""
        return self

    def __exit__(self, *_: object) -> None:
        """It is closed; another process may have it."""
        self._db.close()

    def begin(self, job: str, new: Run, *, is_anew: bool) -> Run:
        """The run that goes on with a job: the one that was interrupted, else the new one.

        Args:
            job: what is sent how; the same text means the same job.
            new: the run to begin where there is none to go on with.
            is_anew: whether to begin again in any case; what waits is sent all the same.
        """
        with self._db:
            self._forget_finished()
            found = self._db.execute(
                "SELECT name, seed, next_row, n_made, is_over FROM run WHERE job = ? "  # noqa: S608 -- ours
                f"AND (NOT is_over OR EXISTS (SELECT 1 FROM message WHERE {_WAITS} "
                "AND run = run.name))",
                (job,),
            ).fetchone()
            if found is not None and not is_anew:
                name, seed, next_row, n_made, is_over = found
                return Run(name, seed, next_row, n_made, bool(is_over))
            retired = (f"{job} until {new.name}", job)
            self._db.execute("UPDATE run SET is_over = 1, job = ? WHERE job = ?", retired)
            self._db.execute(
                "INSERT INTO run (name, job, seed) VALUES (?, ?, ?)", (new.name, job, new.seed)
            )
        return new

    def write(
        self,
        run: Run,
        reports: Sequence[Report],
        answers: Answers,
        counts: Mapping[tuple[str, str], int],
    ) -> None:
        """In one transaction: the run has come so far, these messages wait, those need not.

        Args:
            run: the run as it is now.
            reports: its new messages.
            answers: what was heard of others.
            counts: what else was counted, by what it is and which of its kind.
        """
        tallies: dict[tuple[str, str, str], int] = {}

        def count(run_name: str, what: str, detail: str, n: int = 1) -> None:
            key = (run_name, what, detail)
            tallies[key] = tallies.get(key, 0) + n

        with self._db:
            self._add(run, reports)
            for report in reports:
                count(run.name, "sent", report.kind)
            for message in answers.accepted:
                count(message.run, "accepted", message.kind)
            for message in answers.again:
                count(message.run, "again", message.kind)
            for message, _code in answers.refused:
                if not message.is_accepted:
                    count(message.run, "refused", message.kind)
            for (what, detail), n in counts.items():
                count(run.name, what, detail, n)
            self._settle(answers)
            self._db.execute(
                "UPDATE run SET next_row = ?, n_made = ?, is_over = ? WHERE name = ?",
                (run.next_row, run.n_made, run.is_over, run.name),
            )
            self._db.executemany(_TALLY, [(*key, n) for key, n in tallies.items()])

    def waiting(
        self, account: str, after: tuple[int, int], most: int, *, is_all: bool
    ) -> list[Kept]:
        """An account's messages that wait, in their order.

        Args:
            account: the account.
            after: place and number of the last one that was seen.
            most: how many.
            is_all: whether also those that are held back for messages that are yet to come.
        """
        rows = self._db.execute(
            "SELECT number, place, run, name, kind, message_id, payload, "
            "number IN (SELECT number FROM held) FROM message "
            "WHERE account = ? AND (place, number) > (?, ?) AND place <= ? "
            "AND refused_code IS NULL ORDER BY place, number LIMIT ?",
            (account, *after, _NO_PLACE if is_all else _place(self._last, 0), most),
        )
        return [
            Kept(number, place, run, name, Kind(kind), message_id, payload, bool(is_accepted))
            for number, place, run, name, kind, message_id, payload, is_accepted in rows
        ]

    def n_waiting(self, accounts: Sequence[str]) -> int:
        """How many messages of the accounts wait to be accepted."""
        marks = ", ".join("?" * len(accounts))
        return self._number(
            f"SELECT count(*) FROM message WHERE {_WAITS} AND account IN ({marks})",  # noqa: S608 -- question marks
            *accounts,
        )

    def n_held(self, accounts: Sequence[str]) -> int:
        """How many messages of the accounts are accepted, and could still be forgotten."""
        marks = ", ".join("?" * len(accounts))
        return self._number(
            f"SELECT count(*) FROM message JOIN held USING (number) WHERE account IN ({marks})",  # noqa: S608 -- question marks
            *accounts,
        )

    def n_of_others(self, run: str) -> int:
        """How many messages wait that are not the run's."""
        return self._number(f"SELECT count(*) FROM message WHERE {_WAITS} AND run <> ?", run)  # noqa: S608 -- ours

    def tallies(self, run: str) -> dict[str, dict[str, int]]:
        """What was counted of a run, by what and kind."""
        counts: dict[str, dict[str, int]] = {}
        rows = self._db.execute("SELECT what, detail, n FROM tally WHERE run = ?", (run,))
        for what, detail, n in rows:
            counts.setdefault(what, {})[detail] = n
        return counts

    def n_accepted_names(self, run: str) -> int:
        """How many sessions of a run the broker has."""
        return self._number("SELECT count(*) FROM accepted WHERE run = ?", run)

    def accepted_names(self, run: str) -> Iterator[str]:
        """Their ids, in order."""
        rows = self._db.execute("SELECT name FROM accepted WHERE run = ? ORDER BY name", (run,))
        return (name for (name,) in rows)

    def _add(self, run: Run, reports: Sequence[Report]) -> None:
        rows = []
        for report in reports:
            self._last += 1
            about = (report.account, report.name, report.kind, report.message_id, report.payload)
            rows.append((self._last, _place(self._last, report.behind), run.name, *about))
        self._db.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)", rows)

    def _settle(self, answers: Answers) -> None:
        accepted, refused = answers.accepted, answers.refused
        self._db.executemany(
            "INSERT INTO held VALUES (?)", [(message.number,) for message in accepted]
        )
        names = [(each.run, each.name) for each in accepted if each.kind.is_session]
        self._db.executemany("INSERT OR IGNORE INTO accepted VALUES (?, ?)", names)
        safe = [(message.number,) for message in answers.safe]
        for table in ("message", "held"):
            self._db.executemany(f"DELETE FROM {table} WHERE number = ?", safe)  # noqa: S608 -- ours
        codes = [(code, message.number) for message, code in refused]
        self._db.executemany("UPDATE message SET refused_code = ? WHERE number = ?", codes)
        again = [(message.number,) for message, _code in refused if message.is_accepted]
        self._db.executemany("DELETE FROM held WHERE number = ?", again)

    def _forget_finished(self) -> None:
        """Runs that are over and of which nothing waits leave nothing behind."""
        names = self._db.execute(
            "SELECT name FROM run WHERE is_over AND NOT EXISTS "
            "(SELECT 1 FROM message WHERE message.run = run.name AND refused_code IS NULL)"
        ).fetchall()
        for table, column in (
            ("message", "run"),
            ("accepted", "run"),
            ("tally", "run"),
            ("run", "name"),
        ):
            self._db.executemany(f"DELETE FROM {table} WHERE {column} = ?", names)  # noqa: S608 -- ours

    def _number(self, statement: str, *values: str) -> int:
        return int(self._db.execute(statement, values).fetchone()[0])


_NO_PLACE: Final = 2**62
"""Behind every place."""


def _place(number: int, behind: int) -> int:
    """Where a message stands: after the one that is so many later, not beside it."""
    return 2 * (number + behind) + (behind > 0)
