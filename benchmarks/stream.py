"""The stream beside its marks: rates, latencies, a load beside it, a soak, and the naive way.

Run with `python benchmarks/stream.py --stored 1000000 --seconds 60 --file-rows 500000`. What lives
here: the order of measures and their table. What does not: the parts (`streaming`).

PostgreSQL commits durably, the broker speaks TLS, the worker runs as `ev-pipeline stream` in a
process of its own, publishers in theirs. Latency goes from the moment at which a message is due, so
that a publisher that waits hides nothing, to its row's `pg_xact_commit_timestamp`: PostgreSQL takes
that just before it flushes the commit, so the flush, shown apart, comes on top.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import Empty
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from benchmarks.streaming.live import seconds_to_live
from benchmarks.streaming.loads import Load, cores_in_use
from benchmarks.streaming.naive import messages_per_s
from benchmarks.streaming.stand import Stand, environment, made_file, standing
from ev_pipeline.domain.errors import PipelineError

MOST_PER_S: Final = 5_000, 10_000
"""The marks: to reach, and to beat."""

P99_MS: Final = {50: None, 500: 50, 2_000: 100}
LIVE_MS: Final = 100, 250
BESIDE_RATE: Final = 500
SOAK_RATE: Final = 500
_SAMPLE_S: Final = 5.0
_SAMPLES: Final = 20
"""Of the worker's memory: each five seconds, or as many in a shorter soak."""

_FAILURES: Final = (
    *(SQLAlchemyError, PipelineError, OSError, EOFError, RuntimeError, ValueError, Empty),
    subprocess.SubprocessError,
)
"""What may end one measure, and not those after it."""

Numbers = np.ndarray[Any, Any]


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stored", type=int, default=20_000, help="sessions stored before")
    parser.add_argument("--seconds", type=float, default=8, help="of the highest rate")
    parser.add_argument("--rate-seconds", type=float, default=8, help="of each fixed rate")
    parser.add_argument("--file-rows", type=int, default=20_000, help="of the file loaded beside")
    parser.add_argument("--live", type=int, default=15, help="sessions looked for on the panel")
    parser.add_argument("--soak-seconds", type=float, default=0, help="600 for the record")
    wanted = parser.parse_args()
    with standing(wanted.stored) as stand:
        load = Load(stand)
        load.warm_up()
        print(f"{stand.scalar('select count(*) from ev_session'):,} sessions stored before")
        most = _measured("the highest rate", partial(_print_most, load, wanted.seconds))
        quiet = [
            _measured(_at(rate), partial(_print_rate, load, stand, rate, wanted.rate_seconds))
            for rate in P99_MS
        ][[*P99_MS].index(BESIDE_RATE)]
        _measured("live", partial(_print_live, stand, load, wanted.live))
        _measured("a load beside", partial(_print_beside, load, stand, wanted.file_rows, quiet))
        _measured("the naive design", partial(_print_naive, stand, most))
        if wanted.soak_seconds:
            _measured("the soak", partial(_print_soak, load, stand, wanted.soak_seconds))


def _measured(what: str, measure: Callable[[], float | None]) -> float:
    """The figure that the measure gives; one that fails says so, and is no number."""
    try:
        return measure() or np.nan
    except _FAILURES as error:
        print(f"  {what}: FAILED, {type(error).__name__}: {error}", flush=True)
        return np.nan


def _print_most(load: Load, seconds: float) -> float:
    accounted, rate, cores = load.at_most(seconds)
    print(
        f"  highest rate, {seconds:g} s    {rate:9,.0f} messages/s   mark {MOST_PER_S[0]:,}"
        f" ({MOST_PER_S[1]:,})   {rate / MOST_PER_S[0]:.2f} of the mark\n"
        f"    {accounted}\n    {_shares(cores)}",
        flush=True,
    )
    return rate


def _print_rate(load: Load, stand: Stand, rate: int, seconds: float) -> float:
    """Print publish-to-commit at the rate; returns its p99, s."""
    before, cpu_before, began = _flushes(stand), stand.cpu_s(), time.perf_counter()
    accounted, late, sent = load.at_rate(rate, seconds)
    cores = cores_in_use(stand, cpu_before, time.perf_counter() - began)
    n, spent_ms = (now - then for now, then in zip(_flushes(stand), before, strict=True))
    print(
        f"  {_at(rate)}{_spread(late)}   mark {P99_MS[rate] or '-'} ms\n    {accounted}\n"
        f"    a flush {spent_ms / max(n, 1):.1f} ms at the mean of {n:.0f};"
        f" the publisher was at most {1000 * sent.latest_s:.0f} ms late\n"
        f"    {_shares({**cores, 'publisher': sent.cores})}",
        flush=True,
    )
    return float(np.quantile(late, 0.99))


def _print_live(stand: Stand, load: Load, n: int) -> None:
    late = seconds_to_live(stand, load.login, n)
    print(
        f"  publish to live panel, 1/s  {_spread(late)}   marks {LIVE_MS[0]}, {LIVE_MS[1]} ms",
        flush=True,
    )


def _print_beside(load: Load, stand: Stand, rows: int, quiet: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = made_file(rows, Path(folder), seed=7)
        took: list[float] = []

        def load_beside() -> None:
            began = time.perf_counter()
            command = [sys.executable, "-m", "ev_pipeline.cli.main", "load", "canonical", str(path)]
            subprocess.run(
                command, env=environment(stand.settings), check=True, capture_output=True
            )
            took.append(time.perf_counter() - began)

        seconds = max(8.0, rows / 20_000)
        accounted, late, _ = load.at_rate(BESIDE_RATE, seconds, load_beside)
    meanwhile = late[: int(took[0] * BESIDE_RATE)]
    share = float(np.quantile(meanwhile, 0.99)) / quiet - 1
    print(
        f"  {_at(BESIDE_RATE)}{_spread(meanwhile)}   while {rows:,} rows are loaded"
        f" ({took[0]:.1f} s): p99 {share:+.0%}, mark +50 %\n    {accounted}",
        flush=True,
    )


def _print_naive(stand: Stand, most: float) -> None:
    rate = messages_per_s(stand)
    print(
        f"  the naive design, without a broker {rate:6.1f} messages/s   ratio {most / rate:,.0f}",
        flush=True,
    )


def _print_soak(load: Load, stand: Stand, seconds: float) -> None:
    memory: list[tuple[float, float]] = []
    sample_s = min(_SAMPLE_S, seconds / _SAMPLES)

    def watch() -> None:
        began = time.perf_counter()
        while (passed := time.perf_counter() - began) < seconds:
            memory.append((passed, stand.worker_mb()))
            time.sleep(sample_s)

    accounted, late, _ = load.at_rate(SOAK_RATE, seconds, watch)
    at_s, mb = np.array([point for point in memory if point[0] > seconds / 5]).T
    fifth = len(late) // 5
    print(
        f"  {_at(SOAK_RATE)}{_spread(late)}   soak of {seconds:g} s\n"
        f"    first fifth {_spread(late[:fifth])}; last fifth {_spread(late[-fifth:])}\n"
        f"    memory of the worker: peak {max(mb):.0f} MB, slope after the first fifth"
        f" {60 * np.polyfit(at_s, mb, 1)[0]:+.2f} MB/min\n    {accounted}"
    )


def _flushes(stand: Stand) -> tuple[float, float]:
    """How often the log was flushed to the disk, and ms that it took."""
    statement = "select wal_sync, wal_sync_time from pg_stat_wal"
    with stand.engine.connect() as connection:
        n, spent_ms = connection.execute(sa.text(statement)).one()
    return float(n), float(spent_ms)


def _at(rate: int) -> str:
    return f"publish to commit, {f'{rate:,}/s':<8} "


def _shares(cores: dict[str, float]) -> str:
    return "cores in use: " + ", ".join(f"{name} {n:.2f}" for name, n in cores.items())


def _spread(late: Numbers) -> str:
    p50, p99, worst = 1000 * np.quantile(late, (0.5, 0.99, 1.0))
    return f"p50 {p50:6.1f}  p99 {p99:6.1f}  max {worst:6.1f} ms"


if __name__ == "__main__":
    main()
