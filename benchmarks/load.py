"""Loading sessions beside what a database person would do by hand: COPY of the same rows.

Run with `python benchmarks/load.py --rows 10000 100000 1000000`. What lives here: the order of
measures and their marks. What does not: the parts (`loading`), the table (`figures`).

Half of the sessions, by their time, fill the database; the other half tops it up. COPY writes the
rows that the load stored, in the order of their time: into a table without indexes, and into a
copy of the filled database. CPU is that of the PostgreSQL process alone.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.figures import Figures, Mark
from benchmarks.loading.files import Files, make_files
from benchmarks.loading.runs import (
    Copied,
    Times,
    copy_stored,
    first_load,
    job_of,
    now,
    parse_s,
    top_up,
)
from benchmarks.loading.server import Server, running
from ev_pipeline.intake.load import take_in
from ev_pipeline.sources.reader import read_records
from ev_pipeline.storage.engine import connect

DEFAULT_ROWS: Final = [10_000, 100_000]
"""Enough to see growth; a million takes minutes, and is asked for by `--rows`."""

SETS: Final = ("canonical", "dundee")
RATE: Final = "file to commit"
FIRST: Final = "share of a bare COPY's rate"
TOP_UP: Final = "share of the rate of COPY into the same table"
BATCH: Final = 500
N_SINGLE: Final = 200
N_BATCHES: Final = 12

MARKS: Final = {
    key: mark
    for name in SETS
    for key, mark in (
        ((f"{name}, first load: {RATE}", "rows/s"), Mark(40_000, 80_000, is_least=True)),
        ((f"{name}, first load: {FIRST}", ""), Mark(0.25, 0.4, is_least=True)),
        ((f"{name}, top-up: {RATE}", "rows/s"), Mark(40_000, 80_000, is_least=True)),
        ((f"{name}, top-up: {TOP_UP}", ""), Mark(0.7, 1.0, is_least=True)),
        ((f"{name}, stream: one new session", "ms"), Mark(10)),
        ((f"{name}, stream: {BATCH} new sessions", "ms"), Mark(50)),
    )
}


def main() -> None:
    """Print one table of every set at every size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=DEFAULT_ROWS)
    parser.add_argument("--rounds", type=int, default=2, help="the best of so many is shown")
    wanted = parser.parse_args()
    figures = Figures(MARKS)
    with running() as server, tempfile.TemporaryDirectory() as folder:
        for rows in sorted(wanted.rows):
            for files in make_files(rows, Path(folder)):
                _measure(figures, rows, server, files, wanted.rounds)
        print(f"PostgreSQL {server.version()}; best of {wanted.rounds}; a top-up adds as many rows")
        figures.print()


def _measure(figures: Figures, rows: int, server: Server, files: Files, rounds: int) -> None:
    name = files.mapping.name
    reading, validating = min(parse_s(server, files) for _ in range(rounds))
    figures.note(rows, f"{name}: reading and decoding", reading)
    figures.note(rows, f"{name}: validating", validating)
    first = min((first_load(server, files) for _ in range(rounds)), key=_committed_s)
    bare = min((copy_stored(server, is_bare=True) for _ in range(rounds)), key=_seconds)
    _note_load(figures, rows, f"{name}, first load", first, bare, FIRST)
    again = min((top_up(server, files) for _ in range(rounds)), key=_committed_s)
    same = min((copy_stored(server, is_bare=False) for _ in range(rounds)), key=_seconds)
    _note_load(figures, rows, f"{name}, top-up", again, same, TOP_UP)
    for what, figure in _batches(server, files):
        figures.note(rows, f"{name}, stream: {what}", figure, "ms")


def _committed_s(times: Times) -> float:
    return times.committed_s


def _seconds(copied: Copied) -> float:
    return copied.seconds


def _note_load(
    figures: Figures, rows: int, what: str, times: Times, copied: Copied, share: str
) -> None:
    figures.note(rows, f"{what}: to the commit", times.committed_s)
    figures.note(rows, f"{what}: whole command", times.whole_s)
    figures.note(rows, f"{what}: CPU to the commit", times.write_cpu_s)
    figures.note(rows, f"{what}: COPY", copied.seconds)
    figures.note(rows, f"{what}: CPU of COPY", copied.cpu_s)
    figures.note(rows, f"{what}: {RATE}", times.received / times.committed_s, "rows/s")
    figures.note(rows, f"{what}: {share}", copied.seconds / times.committed_s, "")


def _batches(server: Server, files: Files) -> Iterator[tuple[str, float]]:
    """Milliseconds in which new sessions of a stream are stored beside all others."""
    with files.top_up.open("rb") as file:
        header = file.readline().rstrip()
        lines = [line.rstrip() for line in file]
    settings = server.copy("streamed", "first")
    engine = connect(settings)

    def store(some: list[bytes]) -> float:
        batch = read_records(some, files.mapping, header, now())
        job = job_of(settings, files.mapping, batch)
        start = time.perf_counter()
        with engine.begin() as connection:
            take_in(connection, job)
        return 1000 * (time.perf_counter() - start)

    single = _spread(store, lines, 1, N_SINGLE)
    many = _spread(store, lines[N_SINGLE:], BATCH, N_BATCHES)
    for what, spread in (("one new session", single), (f"{BATCH} new sessions", many)):
        yield what, median(spread)
        yield f"{what}, 95 % within", sorted(spread)[int(0.95 * len(spread))]
    engine.dispose()


def _spread(
    store: Callable[[list[bytes]], float], lines: list[bytes], size: int, most: int
) -> list[float]:
    """Milliseconds of each batch but the first two, which warm up."""
    batches = [lines[first : first + size] for first in range(0, size * most, size)]
    return [store(batch) for batch in batches if batch][2:]


if __name__ == "__main__":
    main()
