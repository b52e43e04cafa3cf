"""A retrain of everything that is stored: how long, how much memory, and what the stream notices.

Run with `python benchmarks/retrain.py --stored 1000000`. What lives here: the job beside sessions
that arrive. What does not: the models' marks (`models`), each step by itself (`model_times`).

The job runs in a process of its own, as Dagster has it, and as patient as a stack's runs are.
"""

import argparse
from typing import Any, Final

import numpy as np

from benchmarks.figures import Figures, Mark
from benchmarks.streaming.loads import Load
from benchmarks.streaming.stand import Stand, standing
from benchmarks.training import jobs
from benchmarks.training.jobs import Measured, in_own_process
from ev_pipeline.stack.priority import let_chargers_go_first

Numbers = np.ndarray[Any, Any]

RATE: Final = 50
"""Sessions a second that arrive meanwhile."""

MOVED: Final = "p99 beside a retrain, of the p99 without"

MARKS: Final = {
    ("retrain", "s"): Mark(180),
    ("retrain: peak", "MB"): Mark(2000),
    (MOVED, "times"): Mark(1.5),
}


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stored", type=int, default=20_000, help="sessions stored before")
    parser.add_argument("--quiet-seconds", type=float, default=10, help="without a retrain")
    parser.add_argument(
        "--seconds", type=float, default=30, help="with one; what is sent after its end counts not"
    )
    wanted = parser.parse_args()
    with standing(wanted.stored) as stand:
        load, figures = Load(stand), Figures(MARKS)
        load.warm_up()
        rows = stand.scalar("select count(*) from ev_session")
        quiet, beside, retrain = _side_by_side(stand, load, wanted.quiet_seconds, wanted.seconds)
        figures.note(rows, "retrain", retrain.seconds)
        figures.note(rows, "retrain: peak", retrain.peak_mb, "MB")
        for step, measured in retrain.steps.items():
            figures.note(rows, f"of it {step}", measured.seconds)
        for name, late in {"without": quiet, "beside a retrain": beside}.items():
            for share in (0.5, 0.99):
                what = f"publish to commit {name}, p{100 * share:g}"
                figures.note(rows, what, 1000 * float(np.quantile(late, share)), "ms")
        moved = float(np.quantile(beside, 0.99) / np.quantile(quiet, 0.99))
        figures.note(rows, MOVED, moved, "times")
        figures.print()


def _side_by_side(
    stand: Stand, load: Load, quiet_s: float, seconds: float
) -> tuple[Numbers, Numbers, Measured]:
    """Seconds from publishing to the commit without and beside the job, and what the job took."""
    _, quiet, _ = load.at_rate(RATE, quiet_s)
    settings = stand.broker.reached_by("dagster", stand.settings)
    done: list[Measured] = []

    def retrain() -> None:
        let_chargers_go_first()
        done.append(in_own_process(jobs.retrain, settings))

    accounted, late, _ = load.at_rate(RATE, seconds, retrain)
    print(f"  {accounted}", flush=True)
    (measured,) = done
    return quiet, late[: int(measured.seconds * RATE)], measured


if __name__ == "__main__":
    main()
