"""What is in the columns of a sample: times, numbers, durations, zones.

What lives here: looking once at each column. What does not: which field a column is (`choice`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from ev_pipeline.sources.draft.headers import Score, score
from ev_pipeline.sources.draft.moments import (
    Moments,
    clock_moments,
    date_moments,
    full_moments,
)
from ev_pipeline.sources.draft.quantities import Numbers, duration_format, numbers_in
from ev_pipeline.sources.draft.sample import Column
from ev_pipeline.sources.draft.zone_names import are_zones


@dataclass(frozen=True, slots=True)
class Facts:
    """One column, and what its texts are; null where they are not that.

    Args:
        name: the column.
        texts: its texts.
        full: times with date and clock.
        date: dates alone.
        clock: clock times alone.
        numbers: plain numbers.
        duration: the clock-like form of durations.
        is_zone: whether they name time zones.
        markers: texts among them that stand for no value.
    """

    name: str
    texts: pl.Series
    full: Moments | None
    date: Moments | None
    clock: Moments | None
    numbers: Numbers | None
    duration: str | None
    is_zone: bool
    markers: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the sample has no value there."""
        return self.texts.null_count() == len(self.texts)

    @property
    def distinct(self) -> list[str]:
        """The different texts, in the order in which they come."""
        return self.texts.drop_nulls().unique(maintain_order=True).to_list()

    @property
    def is_identifier(self) -> bool:
        """Whether the texts may name things: neither times nor measured numbers."""
        is_measured = self.numbers is not None and self.numbers.decimal is not None
        return not (self.full or self.date or is_measured)


def facts_of(column: Column) -> Facts:
    """What the column's texts are."""
    texts = column.texts
    return Facts(
        name=column.name,
        texts=texts,
        full=full_moments(texts),
        date=date_moments(texts),
        clock=clock_moments(texts),
        numbers=numbers_in(texts),
        duration=duration_format(texts),
        is_zone=are_zones(texts),
        markers=column.markers,
    )


def best(columns: Iterable[Facts], field: str) -> Facts | None:
    """The column whose header says most of a field; null where none says anything."""
    scored = [(found, column) for column in columns if (found := score(column.name, field))]
    return max(scored, key=_by_score, default=(None, None))[1]


def _by_score(scored: tuple[Score, Facts]) -> Score:
    return scored[0]
