"""Loading sessions beside what a database person would do by hand: COPY of the same rows.

Run with `python benchmarks/load.py --rows 10000 100000 1000000`. What lives here: the order of
measures, their marks and their table. What does not: the parts (`loading`).

Half of the sessions, by their time, fill the database; the other half tops it up. COPY writes the
rows that the load stored, in the order of their time: into a table without indexes, and into a
copy of the filled database.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.loading.files import Files, make_files
from benchmarks.loading.runs import (
    Copied,
    Times,
    copy_stored,
    first_load,
    now,
    parse_s,
    stream_job,
    top_up,
)
from benchmarks.loading.server import Server, running
from ev_pipeline.intake.load import take_in
from ev_pipeline.intake.records import HeldRecords
from ev_pipeline.sources.reader import read_records
from ev_pipeline.storage.engine import connect

DEFAULT_ROWS: Final = [10_000, 100_000]
"""Enough to see growth; a million takes minutes, and is asked for by `--rows`."""

FIRST_SHARE: Final = 0.25, 0.4
TOP_UP_SHARE: Final = 0.7, 1.0
RATE: Final = 40_000, 80_000
ONE_MS: Final = 10.0
BATCH_MS: Final = 50.0
"""The marks: to reach, and to beat."""

BATCH: Final = 500
N_SINGLE: Final = 200
N_BATCHES: Final = 12


def main() -> None:
    """Print one table for each set and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=DEFAULT_ROWS)
    parser.add_argument("--rounds", type=int, default=2, help="the best of so many is shown")
    wanted = parser.parse_args()
    with running() as server, tempfile.TemporaryDirectory() as folder:
        print(f"PostgreSQL {server.version()}, best of {wanted.rounds}; s of wall, CPU s beside it")
        for rows in wanted.rows:
            for files in make_files(rows, Path(folder)):
                print(f"\n{files.mapping.name}, {rows} rows into a table filled by as many")
                _print_loads(server, files, wanted.rounds)


def _print_loads(server: Server, files: Files, rounds: int) -> None:
    parse = min(parse_s(server, files) for _ in range(rounds))
    print(f"  reading and decoding, validating: {parse[0]:.2f} s, {parse[1]:.2f} s")
    first = min((first_load(server, files) for _ in range(rounds)), key=_committed_s)
    bare = min((copy_stored(server, is_bare=True) for _ in range(rounds)), key=_seconds)
    _print_load("first load", first, bare, "a bare COPY", FIRST_SHARE)
    again = min((top_up(server, files) for _ in range(rounds)), key=_committed_s)
    same = min((copy_stored(server, is_bare=False) for _ in range(rounds)), key=_seconds)
    _print_load("top-up", again, same, "COPY into the same table", TOP_UP_SHARE)
    _print_batches(server, files)


def _committed_s(times: Times) -> float:
    return times.committed_s


def _seconds(copied: Copied) -> float:
    return copied.seconds


def _print_load(
    what: str, times: Times, copied: Copied, beside: str, marks: tuple[float, float]
) -> None:
    rate, share = times.received / times.committed_s, copied.seconds / times.committed_s
    print(
        f"  {what:<11} committed {times.committed_s:6.2f} s, whole command {times.whole_s:6.2f} s;"
        f" CPU: Python {times.python_cpu_s:.1f} s, PostgreSQL {times.postgres_cpu_s:.1f} s,"
        f" of which {times.write_cpu_s:.1f} s to the commit\n"
        f"    rows a second, file to commit      {rate:9,.0f}   mark {RATE[0]:,} ({RATE[1]:,})"
        f"   {rate / RATE[0]:.2f} of the mark\n"
        f"    of the rate of {beside:<24} {share:5.2f}   mark {marks[0]} ({marks[1]})"
        f"   {share / marks[0]:.2f} of the mark\n"
        f"    COPY of {times.stored} rows {copied.seconds:.2f} s, CPU {copied.cpu_s:.2f} s:"
        f" by PostgreSQL's CPU to the commit the share is {copied.cpu_s / times.write_cpu_s:.2f}",
        flush=True,
    )


def _print_batches(server: Server, files: Files) -> None:
    """Milliseconds in which new sessions of a stream are stored beside all others."""
    with files.top_up.open("rb") as file:
        header = file.readline().rstrip()
        lines = [line.rstrip() for line in file]
    settings = server.copy("streamed", "first")
    engine = connect(settings)

    def store(some: list[bytes]) -> float:
        batch = read_records(some, files.mapping, header, now())
        job = stream_job(settings, files.mapping, HeldRecords(batch))
        start = time.perf_counter()
        with engine.begin() as connection:
            take_in(connection, job)
        return 1000 * (time.perf_counter() - start)

    _print_batch("one new session", ONE_MS, _spread(store, lines, 1, N_SINGLE))
    _print_batch(
        f"{BATCH} new sessions", BATCH_MS, _spread(store, lines[N_SINGLE:], BATCH, N_BATCHES)
    )
    engine.dispose()


def _spread(
    store: Callable[[list[bytes]], float], lines: list[bytes], size: int, most: int
) -> list[float]:
    """Milliseconds of each batch but the first two, which warm up."""
    batches = [lines[first : first + size] for first in range(0, size * most, size)]
    return [store(batch) for batch in batches if batch][2:]


def _print_batch(what: str, mark_ms: float, spread: list[float]) -> None:
    middle, high = median(spread), sorted(spread)[int(0.95 * len(spread))]
    print(
        f"  {what:<18} {middle:6.1f} ms, 95 % within {high:6.1f} ms   mark {mark_ms:.0f} ms"
        f"   {middle / mark_ms:.2f} of the mark"
    )


if __name__ == "__main__":
    main()
