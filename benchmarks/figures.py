"""One table of figures by size, with their marks: what a benchmark prints when it is done.

What lives here: keeping figures and laying them out. What does not: measuring.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

WORSE: Final = 1.3
"""A measure that grows by so much more than the sessions is named."""

LEAST_S: Final = 0.5
"""s; what takes less at the greater size grows by nothing that matters."""


@dataclass(frozen=True)
class Mark:
    """What a figure should reach at the greatest size.

    Args:
        reach: the figure that is asked for.
        beat: the one that would be better still; null where none is named.
        is_least: whether more is better.
    """

    reach: float
    beat: float | None = None
    is_least: bool = False

    def told(self) -> str:
        """The mark in words."""
        sign = "≥" if self.is_least else "≤"
        return f"{sign} {_short(self.reach)}" + (f" ({_short(self.beat)})" if self.beat else "")

    def verdict(self, figure: float) -> str:
        """What share of the mark the figure is, and whether it is reached."""
        if not self._is_met(figure, self.reach):
            word = "MISSED"
        elif self.beat is not None and self._is_met(figure, self.beat):
            word = "beaten"
        else:
            word = "reached"
        return f"{word}, {figure / self.reach:.2f}"

    def _is_met(self, figure: float, mark: float) -> bool:
        return figure >= mark if self.is_least else figure <= mark


@dataclass
class Figures:
    """Figures of measures at several sizes.

    Args:
        marks: what measures should reach, by their name and unit.
    """

    marks: Mapping[tuple[str, str], Mark]
    by_size: dict[int, dict[tuple[str, str], float]] = field(default_factory=dict)

    def note(self, rows: int, what: str, figure: float, unit: str = "s") -> None:
        """Keep the figure, and tell on standard error that it is there."""
        self.by_size.setdefault(rows, {})[what, unit] = figure
        print(f"  {rows:,}: {what} {_short(figure)} {unit}", file=sys.stderr, flush=True)

    def print(self) -> None:
        """The table on standard output; marks are held against the greatest size."""
        sizes = sorted(self.by_size)
        measures = list(dict.fromkeys(key for size in sizes for key in self.by_size[size]))
        lines = [["", *(f"{size:,}" for size in sizes), "unit", "mark", "at the greatest size"]]
        for key in measures:
            figures = [self.by_size[size].get(key) for size in sizes]
            mark, last = self.marks.get(key), figures[-1]
            held = ["", ""] if mark is None or last is None else [mark.told(), mark.verdict(last)]
            shown = ["-" if figure is None else _short(figure) for figure in figures]
            lines.append([key[0], *shown, key[1], *held])
        _print_columns(lines, n_numbers=len(sizes))
        for smaller, greater in pairwise(sizes):
            self._print_growth(smaller, greater)

    def _print_growth(self, smaller: int, greater: int) -> None:
        grown = greater / smaller
        before = self.by_size[smaller]
        worse = [
            f"{what} {seconds / before[what, unit]:.0f} times"
            for (what, unit), seconds in self.by_size[greater].items()
            if unit == "s" and seconds > LEAST_S and (what, unit) in before
            if seconds / before[what, unit] > WORSE * grown
        ]
        print(
            f"from {smaller:,} to {greater:,}, {grown:.0f} times, grows more than that:"
            f" {', '.join(worse) or 'nothing'}"
        )


def _print_columns(lines: Sequence[Sequence[str]], *, n_numbers: int) -> None:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        cells = [
            text.rjust(width) if 1 <= column <= n_numbers else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells).rstrip(), flush=True)


def _short(figure: float) -> str:
    """Three figures that count."""
    for least, form in ((100, ",.0f"), (10, ".1f"), (1, ".2f")):
        if abs(figure) >= least:
            return format(figure, form)
    return format(figure, ".3f")
