"""What the sources of a mapping must say together, though each of them is in order.

What lives here: times that follow from one another, whose clock they are on, how numbers are
written. What does not: the models (`mapping`, `fields`).
"""

from collections.abc import Mapping as Dict
from typing import Final

from ev_pipeline.sources.fields import NumberSource, Source, TimeSource
from ev_pipeline.sources.file_format import FileFormat
from ev_pipeline.sources.timeformats import STANDARD_FORMATS

NEEDED: Final = {
    "session": ("station_id", "started_at", "ended_at", "energy_kwh"),
    "station": ("station_id",),
    "site": ("name",),
}
"""Fields without which no record of that kind can be kept."""


class WrongFieldError(ValueError):
    """What one field says does not go with the rest of the mapping.

    Args:
        field: the field, a key of `[fields]`.
        message: what is wrong, and the mend.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def refuse_lacking(records: str, sources: Dict[str, Source]) -> None:
    """Every field has a source without which no record of the kind can be kept.

    Raises:
        WrongFieldError: one has none.
    """
    lacking = [field for field in NEEDED[records] if field not in sources]
    if lacking:
        raise WrongFieldError(
            lacking[0],
            f"[fields] does not say where {', '.join(lacking)} come from; which column is "
            f'it? write {lacking[0]} = "the column", or see docs/mapping.md',
        )


def refuse_times_without_clock(sources: Dict[str, Source]) -> None:
    """Every time carries its offset, or else its zone.

    Raises:
        WrongFieldError: one does not.
    """
    start = sources.get("started_at")
    for field, source in sources.items():
        teller = start if isinstance(source, TimeSource) and source.clock_after_start else source
        is_told = isinstance(teller, TimeSource | NumberSource) and teller.says_whose_clock
        if not is_told and not _clock_formats(source) <= {*STANDARD_FORMATS}:
            raise WrongFieldError(
                field,
                f"the times of {field} carry no offset, so the mapping must say whose clock "
                'they follow: zone = "Europe/London"',
            )


def _clock_formats(source: Source) -> set[str]:
    """The formats of the times that a source reads."""
    match source:
        case TimeSource(duration_column=None) | NumberSource(until=str()):
            return {*source.format}
        case _:
            return set()


def refuse_underivable_times(sources: Dict[str, Source]) -> None:
    """A session's start and end are written, or one of them follows from the other.

    Raises:
        WrongFieldError: a time cannot be had as its source says, or each follows from the other.
    """
    start, end = sources.get("started_at"), sources.get("ended_at")
    for field, source in sources.items():
        if isinstance(source, TimeSource):
            _refuse_way(field, source)
    if isinstance(end, TimeSource) and end.receipt and not _goes_back(start):
        raise WrongFieldError(
            "started_at",
            "ended_at comes from the receipt and started_at does not; "
            'say started_at = { end_minus = "the column of the duration" }',
        )
    follows = isinstance(end, TimeSource) and end.follows_start
    if _goes_back(start) and follows:
        raise WrongFieldError(
            "ended_at", "started_at and ended_at cannot each follow from the other"
        )


def _refuse_way(field: str, source: TimeSource) -> None:
    wrong = (
        (source.follows_start and field != "ended_at")
        or (source.end_minus is not None and field != "started_at")
        or (source.receipt and field == "started_at")
    )
    if wrong:
        raise WrongFieldError(
            field,
            f"{field} cannot be had so: start_plus and clock_after_start give ended_at, "
            "end_minus gives started_at, receipt gives ended_at",
        )


def _goes_back(start: Source | None) -> bool:
    return isinstance(start, TimeSource) and start.end_minus is not None


def refuse_one_sign_for_two(sources: Dict[str, Source], file: FileFormat) -> None:
    """No sign is decimal sign and thousands separator of the same field.

    Raises:
        WrongFieldError: one is.
    """
    for field, source in sources.items():
        if isinstance(source, NumberSource | TimeSource):
            style = file.style_of(source)
            if style.decimal == style.thousands:
                raise WrongFieldError(
                    field,
                    f"decimal and thousands of {field} are both {style.decimal!r}; "
                    "say both in the field",
                )
