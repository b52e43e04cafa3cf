"""From files to labelled sessions: the whole job and its parts, as they grow with the sessions.

Run with `python benchmarks/pipeline.py --rows 10000 100000 1000000`. What lives here: sizes, marks
and their order. What does not: loading beside COPY (`load.py`), marks of models (`models.py`),
the work (`training`), the table (`figures`).

Each size has a PostgreSQL server and a database of its own. Figures of features say both what
computing takes, which has the mark, and reading and writing with it.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl
import sqlalchemy as sa

from benchmarks.figures import Figures, Mark
from benchmarks.training import jobs
from benchmarks.training.writer import writing
from ev_pipeline.domain.features import summarise_stations, summarise_users
from ev_pipeline.settings import Settings
from ev_pipeline.stack.credentials import OWNER
from ev_pipeline.stack.postgres import prepare
from ev_pipeline.stack.serving import served
from ev_pipeline.storage.engine import connect, migrate
from ev_pipeline.storage.features import read_sessions
from ev_pipeline.storage.habits import STATIONS, USERS, make_all, make_touched
from ev_pipeline.storage.models_lock import models_lock
from ev_pipeline.storage.partitions import drop_partitions
from ev_pipeline.storage.promotion import promote
from ev_pipeline.storage.registry import read_champion
from ev_pipeline_tests.conftest import PostgresServer, free_port, make_home
from ev_pipeline_tests.storage.sample import correct
from simulator.files import write_sessions, write_stations
from simulator.generate import SEED, SESSIONS_PER_STATION, SESSIONS_PER_USER, Size, make_sample

DEFAULT_ROWS: Final = [10_000, 100_000]
"""Enough to see growth; a million takes minutes, and is asked for by `--rows`."""

N_TRIES: Final = 3
N_TOUCHED: Final = 20
MARKS: Final = {
    ("users and stations, computed", "s"): Mark(1.0),
    (f"{N_TOUCHED} touched users, computed", "s"): Mark(0.020),
    ("labels by all three models", "s"): Mark(60),
    ("labels by all three models: peak", "MB"): Mark(1000),
}
"""For a million sessions."""


def main() -> None:
    """Print one table of every size, then what grows faster than the sessions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=DEFAULT_ROWS, help="sessions")
    figures = Figures(MARKS)
    for rows in sorted(parser.parse_args().rows):
        _measure(_Table(figures, rows))
    print(f"generated sessions; best of {N_TRIES} where it is short; peak of a process")
    figures.print()


@dataclass(frozen=True)
class _Table:
    """The figures of one size."""

    figures: Figures
    rows: int

    def note(self, what: str, seconds: float, peak_mb: float | None = None) -> None:
        self.figures.note(self.rows, what, seconds)
        if peak_mb is not None:
            self.figures.note(self.rows, f"{what}: peak", peak_mb, "MB")


def _measure(table: _Table) -> None:
    with _database() as url, tempfile.TemporaryDirectory() as folder:
        stations, sessions = _files(table.rows, Path(folder))
        _note_bootstrap(table, url, stations, sessions)
        engine = connect(Settings(database_url=url))
        _note_features(table, engine)
        measured = jobs.in_own_process(jobs.fit_dbscan, url)
        table.note("DBSCAN, read and trained", measured.seconds, measured.peak_mb)
        version = jobs.train_other(url)
        measured = jobs.in_own_process(jobs.label, url, version)
        table.note("labels by all three models", measured.seconds, measured.peak_mb)
        _note_promotion(table, engine, url, version)
        engine.dispose()


def _note_bootstrap(table: _Table, url: str, stations: Path, sessions: Path) -> None:
    measured = jobs.in_own_process(jobs.bootstrap, url, stations, sessions)
    table.note("job bootstrap", measured.seconds, measured.peak_mb)
    for step, figures in sorted(measured.steps.items(), key=lambda item: -item[1].seconds):
        table.note(f"  {step}", figures.seconds, figures.peak_mb)


def _note_features(table: _Table, engine: sa.Engine) -> None:
    table.note("users and stations, read, made, written", _best(lambda: _make_both(engine)))
    sessions = read_sessions(engine)
    table.note("users and stations, computed", _best(lambda: _summarise(sessions.lazy())))
    users = sessions["user_id"].drop_nulls().unique(maintain_order=True)[:N_TOUCHED]
    some = sessions.filter(pl.col("user_id").is_in(users.implode())).lazy()
    what = f"{N_TOUCHED} touched users, computed"
    table.note(what, _best(lambda: summarise_users(some).collect()))
    seconds = []
    for _ in range(N_TRIES):
        _touch(engine)
        seconds.append(_best(lambda: make_touched(engine, USERS), tries=1))
    table.note(f"{N_TOUCHED} touched users, found, made, written", min(seconds))


def _note_promotion(table: _Table, engine: sa.Engine, url: str, version: str) -> None:
    with engine.connect() as connection:
        champion = read_champion(connection)
    drop_partitions(engine, keep={champion.version} if champion else set())
    with writing(url) as quiet:
        time.sleep(3)  # as long as it takes to see what an undisturbed writer waits
    with writing(url) as beside, models_lock(engine, holder="benchmark", wait_s=0):
        start = time.perf_counter()
        done = promote(engine, version, reason="benchmark", promoted_at=datetime.now(UTC))
        table.note("promotion beside a writer", time.perf_counter() - start)
    table.note("  of it with the champion's row held", done.held_s)
    for when, waits in (("alone", quiet), ("beside it", beside)):
        for name, waited_ms in waits.spread_ms().items():
            what = f"  a writer's transaction {when}, {name}"
            table.figures.note(table.rows, what, waited_ms, "ms")


def _make_both(engine: sa.Engine) -> None:
    make_all(engine, USERS)
    make_all(engine, STATIONS)


def _summarise(sessions: pl.LazyFrame) -> None:
    summarise_users(sessions).collect()
    summarise_stations(sessions).collect()


def _touch(engine: sa.Engine) -> None:
    """Correct a session of each of some users."""
    with engine.begin() as connection:
        chosen = connection.execute(
            sa.text(
                "select min(session_id::text) from (select user_id, session_id from ev_session"
                " where user_id is not null limit 100000) s group by user_id limit :n"
            ),
            {"n": N_TOUCHED},
        )
        for session_id in chosen.scalars().all():
            correct(connection, session_id, energy_kwh=7.0)


def _best(work: Callable[[], object], *, tries: int = N_TRIES) -> float:
    seconds = []
    for _ in range(tries):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _files(rows: int, folder: Path) -> tuple[Path, Path]:
    size = Size(rows, 0, max(5, rows // SESSIONS_PER_USER), max(4, rows // SESSIONS_PER_STATION))
    sample = make_sample(size, SEED)
    stations, sessions = folder / "stations.csv", folder / "sessions.csv"
    write_stations(sample.stations.registry, stations)
    write_sessions(sample.sessions, sessions)
    return stations, sessions


@contextmanager
def _database() -> Iterator[str]:
    """An empty, migrated database on a server of its own."""
    home = make_home()
    cluster = prepare(Settings(home=home, postgres_port=free_port()))
    with served(cluster):
        url = PostgresServer(cluster).url(OWNER.role, OWNER.database)
        engine = connect(Settings(database_url=url))
        migrate(engine)
        engine.dispose()
        yield url
    shutil.rmtree(home)


if __name__ == "__main__":
    main()
