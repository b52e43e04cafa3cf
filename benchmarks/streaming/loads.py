"""Load put on the worker, and what became of it, recounted from the database.

What lives here: publishers started and their sessions found again. What does not: services
(`stand`), a publisher's own work (`publisher`), and what is printed.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from benchmarks.streaming.publisher import CONTEXT, STATIONS, Sent, Task, publish
from benchmarks.streaming.stand import Stand
from ev_pipeline.messaging.login import Login

BACKLOG: Final = 12_000
"""Messages that wait for the worker at its highest rate: twice what it may hold, far from what the
broker may."""

N_PUBLISHERS: Final = 2

_MOST: Final = 1_000_000
"""More than one publisher sends at the highest rate."""

_STARTS_WITHIN_S: Final = 60.0
_STARTS_AFTER_S: Final = 0.2
_GATHERS_PACE_S: Final = 2.0
_SETTLES_WITHIN_S: Final = 60.0
_LOOK_EVERY_S: Final = 0.1

_RECEIVED: Final = "select coalesce(sum(received), 0) from ev_ledger where door = 'stream'"

_SUMS: Final = sa.text("""
    select coalesce(sum(received), 0), coalesce(sum(stored), 0), coalesce(sum(updated), 0),
        coalesce(sum(duplicate), 0), coalesce(sum(quarantined), 0)
    from ev_ledger where door = 'stream'
""")

_FOUND: Final = sa.text("""
    select count(*), count(l.session_id),
        (select count(*) from ev_session_change c join ev_session s using (session_id)
         where starts_with(s.source_session_id, :name) and c.sign = 1)
    from ev_session s left join ev_session_label l
        on l.session_id = s.session_id and l.session_revision = s.revision
    where starts_with(s.source_session_id, :name)
""")

_COMMITS: Final = sa.text("""
    select cast(substr(source_session_id, length(:name) + 2) as int),
        extract(epoch from pg_xact_commit_timestamp(xmin))::float8
    from ev_session where starts_with(source_session_id, :name)
""")


@dataclass(frozen=True)
class Accounted:
    """What was sent beside what the database says of it."""

    acknowledged: int
    ledger: tuple[int, ...]
    stored: int
    labelled: int
    logged: int

    def __str__(self) -> str:
        """One line, with whether it adds up."""
        received, stored, updated, duplicate, quarantined = self.ledger
        adds_up = (
            self.acknowledged == received == stored == self.stored == self.labelled == self.logged
        )
        return (
            f"{self.acknowledged:,} acknowledged; ledger: {received:,} received = {stored:,} stored"
            f" + {updated} updated + {duplicate} duplicate + {quarantined} quarantined;"
            f" {self.stored:,} rows, {self.labelled:,} labelled, {self.logged:,} logged:"
            f" {'adds up' if adds_up else 'DOES NOT ADD UP'}"
        )


@dataclass(frozen=True)
class _Run:
    """When publishers began, Unix time, and what each of them sent in the end."""

    start_s: float
    results: list[Sent]


def cores_in_use(stand: Stand, cpu_before: dict[str, float], seconds: float) -> dict[str, float]:
    """How much of a core each service has used since its CPU seconds were read."""
    return {name: (s - cpu_before[name]) / seconds for name, s in stand.cpu_s().items()}


class Load:
    """The load that one benchmark puts on one stand.

    Args:
        stand: what runs.
    """

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._logins = [stand.broker.add_charger() for _ in range(N_PUBLISHERS)]

    @property
    def login(self) -> Login:
        """One of the accounts."""
        return self._logins[0]

    def warm_up(self) -> None:
        """The publishers' stations are known, and what is slow once is done."""
        for login in self._logins:
            task = self._task(login, rate_per_s=500.0, most=STATIONS)
            with self._publishing([task]):
                pass

    def at_rate(
        self, rate_per_s: float, duration_s: float, beside: Callable[[], object] = lambda: None
    ) -> tuple[Accounted, np.ndarray[Any, Any], Sent]:
        """Publish at moments that nothing delays.

        Args:
            rate_per_s: how many a second.
            duration_s: for how long.
            beside: is done meanwhile.

        Returns:
            What became of them; seconds from each one's moment to its row's commit, in order; and
            what the publisher says.
        """
        before = self._sums()
        task = self._task(self.login, rate_per_s=rate_per_s, most=int(rate_per_s * duration_s))
        with self._publishing([task]) as run:
            beside()
        with self._stand.engine.connect() as connection:
            rows = connection.execute(_COMMITS, {"name": task.name})
            commits = {row[0]: row[1] for row in rows}
        late = np.array(
            [commits[number] - task.due_s(number, run.start_s) for number in sorted(commits)]
        )
        return self._accounted(run.results, before, [task]), late, run.results[0]

    def at_most(self, duration_s: float) -> tuple[Accounted, float, dict[str, float]]:
        """Publish whatever the worker keeps up with.

        Returns:
            What became of it; messages a second committed; cores that each service used, and the
            publishers.
        """
        before = self._sums()
        lets = [CONTEXT.Value("q", BACKLOG // N_PUBLISHERS) for _ in self._logins]
        tasks = [self._task(login, rate_per_s=None, most=_MOST) for login in self._logins]
        with self._publishing(tasks, lets) as run:
            pace_s = run.start_s - time.time() + _GATHERS_PACE_S
            self._let(lets, before[0], max(0.0, pace_s))
            began, first, cpu_before = time.perf_counter(), self._received(), self._stand.cpu_s()
            self._let(lets, before[0], duration_s)
            rate = (self._received() - first) / (time.perf_counter() - began)
            cores = cores_in_use(self._stand, cpu_before, time.perf_counter() - began)
            for let in lets:
                let.value = -1
        cores["publishers"] = sum(result.cores for result in run.results)
        return self._accounted(run.results, before, tasks), rate, cores

    def _let(self, lets: list[Any], received_before: int, duration_s: float) -> None:
        """For so long, publishers may be ahead of the worker by the backlog."""
        began = time.perf_counter()
        while time.perf_counter() - began < duration_s:
            time.sleep(_LOOK_EVERY_S)
            allowed = self._received() - received_before + BACKLOG
            for let in lets:
                let.value = allowed // N_PUBLISHERS

    @staticmethod
    def _task(login: Login, *, rate_per_s: float | None, most: int) -> Task:
        return Task(login, f"b{uuid.uuid4().hex[:8]}", rate_per_s, most)

    @contextmanager
    def _publishing(self, tasks: list[Task], lets: list[Any] | None = None) -> Iterator["_Run"]:
        """Publishers run; at the end all have told what they sent, and all of it is committed.

        They begin together, once each is connected: a process may take seconds to start.
        """
        before = self._received()
        lets = lets or [CONTEXT.Value("q", 0) for _ in tasks]
        pipes = [CONTEXT.Pipe() for _ in tasks]
        processes = [
            CONTEXT.Process(target=publish, args=(task, let, theirs), daemon=True)
            for task, let, (_, theirs) in zip(tasks, lets, pipes, strict=True)
        ]
        try:
            for process in processes:
                process.start()
            for ours, theirs in pipes:
                theirs.close()
                if not ours.poll(_STARTS_WITHIN_S):
                    raise RuntimeError("a publisher is not connected")
                ours.recv()
            run = _Run(time.time() + _STARTS_AFTER_S, [])
            for ours, _ in pipes:
                ours.send(run.start_s)
            yield run
            run.results.extend(ours.recv() for ours, _ in pipes)
        finally:
            for process in processes:
                process.terminate()
                process.join()
        expected = before + sum(result.acknowledged for result in run.results)
        deadline = time.monotonic() + _SETTLES_WITHIN_S
        while self._received() < expected and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY_S)

    def _accounted(
        self, results: list[Sent], before: tuple[int, ...], tasks: list[Task]
    ) -> Accounted:
        with self._stand.engine.connect() as connection:
            found = [connection.execute(_FOUND, {"name": task.name}).one() for task in tasks]
        ledger = tuple(now - then for now, then in zip(self._sums(), before, strict=True))
        stored, labelled, logged = (sum(column) for column in zip(*found, strict=True))
        return Accounted(
            sum(result.acknowledged for result in results), ledger, stored, labelled, logged
        )

    def _received(self) -> int:
        return self._stand.scalar(_RECEIVED)

    def _sums(self) -> tuple[int, ...]:
        with self._stand.engine.connect() as connection:
            return tuple(int(number) for number in connection.execute(_SUMS).one())
