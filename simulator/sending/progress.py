"""A line on a terminal that says how far a simulation has come.

What lives here: what is shown while it runs. What does not: what is told at the end (`summary`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from simulator.sending.simulation import Simulation

messages: Final = Console(stderr=True, highlight=False)
"""For progress and messages."""

UNHEARD: Final = (
    "nobody takes sessions yet: they wait in the outbox; start the worker (`ev-pipeline stream`)"
)


class Display:
    """Shows a simulation's progress: a bar on a terminal, else only what needs somebody.

    Args:
        progress: the bar; null where there is no terminal.
        total: how many sessions there will be; null if nobody knows.
    """

    def __init__(self, progress: Progress | None, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total, waiting=0, rate=0) if progress else None
        self._has_told = False

    def show(self, simulation: Simulation) -> None:
        """The display is current."""
        if simulation.is_unheard and not self._has_told:
            self._has_told = True
            messages.print(UNHEARD)
        if self._progress is None or self._task is None:
            return
        (task,) = self._progress.tasks
        self._progress.update(
            self._task,
            completed=simulation.run.n_made,
            waiting=simulation.n_waiting,
            rate=task.speed or 0,
        )


@contextmanager
def display(total: int | None) -> Iterator[Display]:
    """Within, progress is shown."""
    if not messages.is_terminal:
        yield Display(None, total)
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("sessions, {task.fields[rate]:,.0f}/s, {task.fields[waiting]:,} waiting"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=messages, transient=True) as progress:
        yield Display(progress, total)
