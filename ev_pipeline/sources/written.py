"""What a mapping says of how values are written, wherever it names columns.

What lives here: the parts that several sources share: signs of numbers, clocks of times.
What does not: the sources themselves (`fields`), reading (`numbers`, `times`).
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ev_pipeline.settings import TimeZoneName

STRICT: Final = ConfigDict(frozen=True, extra="forbid", strict=True)
"""A mapping means exactly what it says: no unknown keys, no silent conversion of types."""

Texts = Annotated[tuple[str, ...], Field(strict=False)]

DecimalSign = Literal[".", ","]

Thousands = Literal["", ".", ",", "'", " "]

NonEmpty = Annotated[str, Field(min_length=1)]


def one_or_more(value: Any) -> Any:
    """A bare text stands for a list of one."""
    return [value] if isinstance(value, str) else value


class WrittenNumber(BaseModel):
    """What a source of numbers, or of durations, can say of how they are written.

    Args:
        decimal: the decimal sign; the file's if absent.
        thousands: what stands between groups of three digits; the file's if absent, but nothing
            where the field has a decimal sign of its own.
        beside: texts of which one may stand before or after the number.
    """

    decimal: DecimalSign | None = None
    thousands: Thousands | None = None
    beside: Annotated[tuple[NonEmpty, ...], BeforeValidator(one_or_more), Field(strict=False)] = ()

    @property
    def says_how_written(self) -> bool:
        """Whether it says anything of that."""
        return self.decimal is not None or self.thousands is not None or self.beside != ()


class WrittenTime(BaseModel):
    """What a source of times can say of the clock that they follow.

    Args:
        zone_column: the column that names the zone of this time; it wins over the calendar.
        times_in: the zone in which this column is written, where it is another one than the rest's.
    """

    zone_column: str | None = None
    times_in: TimeZoneName | None = None

    @property
    def says_whose_clock(self) -> bool:
        """Whether it says anything of that."""
        return self.zone_column is not None or self.times_in is not None
