"""The dashboard beside its marks: paints, answers, input while sessions arrive, memory.

Run with `python benchmarks/dashboard.py --stored 1000000 --minutes 30`. What lives here: the order
of measures and their table. What does not: the parts (`streaming`), and what the pages must show
(the tests in a browser).

PostgreSQL, broker and worker run as for `stream.py`, Node-RED and Chromium beside them, all on one
machine. Times are taken inside the browser and end with a paint.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.figures import Figures, Mark
from benchmarks.streaming import watching
from benchmarks.streaming.loads import Load
from benchmarks.streaming.stand import Stand, standing
from ev_pipeline.intake.load import load_file
from ev_pipeline.panels.publishing import publish_round
from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline_tests.conftest import free_port
from ev_pipeline_tests.e2e.screens import Dashboard, chromium, looked_at, served
from infra.nodered_flows import PAGES
from simulator.files import write_stations
from simulator.generate import SEED, SESSIONS_PER_STATION, Size, make_sample

PAINT_S: Final = 2.0
ANSWER_S: Final = 0.3
INPUT_MS: Final = 100.0
FLAT_MB_MIN: Final = 0.1
"""MB a minute; 6 MB in an hour are within what one collection of garbage leaves."""

BUSY_PER_S: Final = 500
WATCHED_PER_S: Final = 10
"""Sessions a second while memory is watched: each second brings every panel, and `live` ten."""

SAMPLES: Final = 60

LEAST_MINUTES: Final = 5
"""A page that was just opened still grows: a slope over less says nothing."""

MARKS: Final = {
    **{(f"first paint of {page.name}", "s"): Mark(PAINT_S) for page in PAGES},
    ("all sessions answered on screen", "s"): Mark(ANSWER_S),
    (f"a key to the screen, p99 at {BUSY_PER_S}/s", "ms"): Mark(INPUT_MS),
    (f"a key to the screen, worst at {BUSY_PER_S}/s", "ms"): Mark(INPUT_MS),
    ("heap's slope", "MB/min"): Mark(FLAT_MB_MIN),
}


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--stored", type=int, default=20_000, help="sessions stored before")
    parser.add_argument("--paints", type=int, default=3, help="of each page")
    parser.add_argument("--answers", type=int, default=10, help="about all sessions")
    parser.add_argument("--busy-seconds", type=float, default=10, help="of input beside arrivals")
    parser.add_argument("--minutes", type=float, default=0.5, help="of memory; 30 for the record")
    wanted = parser.parse_args()
    program = chromium()
    if program is None:
        print("  no Chromium to look through (Debian: apt-get install chromium)")
        return
    with standing(wanted.stored) as stand, looking(stand, wanted.stored, program) as dashboard:
        figures = Figures(MARKS)
        load = Load(stand)
        load.warm_up()
        rows = stand.scalar("select count(*) from ev_session")
        for page in PAGES:
            paints = watching.first_paints_s(dashboard, page, wanted.paints)
            figures.note(rows, f"first paint of {page.name}", max(paints))
        answers = watching.answers_s(dashboard, wanted.answers)
        figures.note(rows, "all sessions answered on screen", float(np.median(answers)))
        figures.note(rows, "all sessions answered on screen, worst", max(answers))
        _note_input(figures, rows, dashboard, load, wanted.busy_seconds)
        _note_memory(figures, rows, dashboard, load, wanted.minutes * 60)
        figures.print()


@contextmanager
def looking(stand: Stand, n_stored: int, program: Path) -> Iterator[Dashboard]:
    """Within, every panel of the stand is on the dashboard's pages."""
    _register_stations(stand, n_stored)
    login = stand.broker.login("dagster")
    publish_round(stand.engine, stand.settings, login, generated_at=datetime.now(UTC))
    settings = stand.broker.settings.model_copy(update={"nodered_port": free_port()})
    with looked_at(program) as browser:
        dashboard = Dashboard(settings, browser)
        with served(dashboard):
            yield dashboard


def _register_stations(stand: Stand, n_stored: int) -> None:
    """The stations of the stored sessions have places, as on a map."""
    size = Size(1_000, 0, 5, max(4, n_stored // SESSIONS_PER_STATION))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stations.csv"
        write_stations(make_sample(size, SEED).stations.registry, path)
        load_file(stand.engine, stand.settings, load_mapping("canonical_stations"), path)


def _note_input(
    figures: Figures, rows: int, dashboard: Dashboard, load: Load, seconds: float
) -> None:
    (late, updates), accounted = _beside(
        load, BUSY_PER_S, seconds, lambda: watching.pressed_ms(dashboard, seconds)
    )
    at = f"at {BUSY_PER_S}/s"
    figures.note(rows, f"a key to the screen, p99 {at}", float(np.quantile(late, 0.99)), "ms")
    figures.note(rows, f"a key to the screen, worst {at}", max(late), "ms")
    figures.note(rows, f"updates of the page a second {at}", updates, "/s")
    print(f"  {accounted}", file=sys.stderr)


def _note_memory(
    figures: Figures, rows: int, dashboard: Dashboard, load: Load, seconds: float
) -> None:
    every_s = seconds / SAMPLES
    seen, accounted = _beside(
        load, WATCHED_PER_S, seconds, lambda: watching.memory(dashboard, seconds, every_s)
    )
    minutes = seen.at_s[-1] / 60
    figures.note(rows, "minutes of live updates", minutes, "min")
    too_short = "" if minutes >= LEAST_MINUTES else ", too short to judge"
    figures.note(rows, f"heap's slope{too_short}", seen.slope(seen.heap_mb), "MB/min")
    figures.note(rows, "heap's peak", max(seen.heap_mb), "MB")
    figures.note(rows, "page process's slope", seen.slope(seen.process_mb), "MB/min")
    figures.note(rows, "page process's peak", max(seen.process_mb), "MB")
    figures.note(rows, "elements on the page, peak", max(seen.n_nodes), "")
    print(f"  {accounted}", file=sys.stderr)


def _beside(load: Load, rate: int, seconds: float, look: Callable[[], Any]) -> tuple[Any, object]:
    """What was seen while so many sessions a second arrived, and what became of them."""
    seen: list[Any] = []
    accounted, _, _ = load.at_rate(rate, seconds, lambda: seen.append(look()))
    return seen[0], accounted


if __name__ == "__main__":
    main()
