"""Fields that no column holds by itself, but parts or differences of columns do.

What lives here: station and outlet in one column, meter readings, the moment when energy stopped.
What does not: fields that are a column (`choice`), start and end (`time_choice`).
"""

from collections.abc import Sequence
from typing import Any, Final

from ev_pipeline.sources.draft.columns import Facts, best
from ev_pipeline.sources.draft.headers import score
from ev_pipeline.sources.draft.quantities import unit_of
from ev_pipeline.sources.draft.statement import MAX_MARKERS, Statement

_MARKS: Final = ("/", "*", "|", "_", "-")
"""What may stand between the names of a station and its outlet."""

_MOST: Final = 0.9
"""So many texts have the mark, if it is one."""


def station_and_outlet(columns: Sequence[Facts]) -> list[Statement]:
    """Station and connector from one column whose header names both, if there is one."""
    for column in columns:
        for mark in _MARKS:
            first, found, second = column.name.rpartition(mark)
            is_named = score(first, "station_id") and score(second, "connector_id")
            present = column.texts.drop_nulls()
            if found and is_named and len(present):
                n_marked = present.str.contains(mark, literal=True).sum()
                if n_marked >= _MOST * len(present):
                    return [
                        Statement("station_id", {"column": column.name, "before_last": mark}),
                        Statement("connector_id", {"column": column.name, "after_last": mark}),
                    ]
    return []


def is_meter_reading(column: Facts) -> bool:
    """Whether a column's header says that it is a reading, and not an amount."""
    return any(score(column.name, reading) for reading in ("meter_start", "meter_stop"))


def energy_between_readings(columns: Sequence[Facts]) -> list[Statement]:
    """The energy as the difference of two readings of a meter, where there are two."""
    numbers = [column for column in columns if column.numbers is not None]
    start, stop = best(numbers, "meter_start"), best(numbers, "meter_stop")
    if start is None or stop is None or stop.numbers is None or start is stop:
        return []
    source: dict[str, Any] = {"column": stop.name, "minus": start.name}
    unit = unit_of(stop.name, "energy_kwh", stop.numbers)
    if unit is not None and not unit.is_own:
        source["unit"] = unit.name
    is_sure = unit is not None and unit.is_sure
    check = "" if is_sure else "in which unit are the meter readings?"
    return [Statement("energy_kwh", source, to_check=check)]


def charging_until(columns: Sequence[Facts]) -> list[Statement]:
    """The charging duration from the moment when energy stopped, where a column tells it."""
    column = best([column for column in columns if column.full], "full_at")
    if column is None or column.full is None:
        return []
    source: dict[str, Any] = {"until": column.name, "format": column.full.format}
    markers = [*dict.fromkeys((*column.full.at_epoch, *column.full.unread))]
    check = "is it the moment when energy stopped flowing?"
    if markers and len(markers) <= MAX_MARKERS:
        source["missing"] = markers
        check += " do the texts in missing mean that there is none?"
    return [Statement("charging_duration_h", source, to_check=check)]
