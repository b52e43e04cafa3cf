"""Where a field's value comes from: the part of a mapping that stands to the right of `=`.

What lives here: the models of text, number and time sources.
What does not: the sections made of them (`sections`), reading values (`decode`).
"""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ev_pipeline.sources.timeformats import check_clock_format, check_time_format

STRICT: Final = ConfigDict(frozen=True, extra="forbid", strict=True)
"""A mapping means exactly what it says: no unknown keys, no silent conversion of types."""

Texts = Annotated[tuple[str, ...], Field(strict=False)]


def one_or_more(value: Any) -> Any:
    """A bare text stands for a list of one."""
    return [value] if isinstance(value, str) else value


class Source(BaseModel):
    """What every source of a value can say.

    Args:
        column: the column, or the path into a JSON record (`data.energy`).
        columns: several of them, joined by one space.
        missing: texts that mean "no value" here, beside those of the whole mapping.
    """

    model_config = STRICT

    column: str | None = None
    columns: Texts = ()
    missing: Texts = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return (self.column,) if self.column is not None else self.columns

    def _says_one_of(self, *names: str) -> Self:
        values = {name: getattr(self, name) for name in names}
        said = [name for name, value in values.items() if value not in ((), None)]
        said = [name for name in said if values[name] is not False]
        if len(said) != 1:
            raise ValueError(f"say exactly one of {', '.join(names)}")
        return self


class TextSource(Source):
    """A text: from columns, or the same for every record.

    Args:
        value: the constant.
    """

    value: str | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        return self._says_one_of("column", "columns", "value")


DecimalSign = Literal[".", ","]

Thousands = Literal["", ".", ",", "'", " "]

NonEmpty = Annotated[str, Field(min_length=1)]


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


class NumberSource(Source, WrittenNumber):
    """A number: from a column, or the same for every record.

    Args:
        value: the constant.
        until: the column of a time; the number is the duration from the session's start until it.
        unit: the unit that the source states it in; the field's own if absent.
        format: how a duration is written, e.g. `h:mm:ss`, a plain number if absent; or how the
            time of `until` is.
    """

    columns: Annotated[Texts, Field(max_length=0)] = ()
    value: float | None = None
    until: str | None = None
    unit: str | None = None
    format: str | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.format is not None and self.unit is not None:
            raise ValueError("say unit or format, not both: a duration format has its own units")
        if self.until is not None and self.format is None:
            raise ValueError('until names a time, which needs a format, such as format = "iso"')
        if self.says_how_written and (self.format is not None or self.column is None):
            raise ValueError("decimal, thousands and beside belong to a column of plain numbers")
        return self._says_one_of("column", "value", "until")

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return super().inputs if self.until is None else (self.until,)


class TimeSource(Source, WrittenNumber):
    """A time: written out, a clock or a duration beside the other time, or that of receipt.

    Args:
        format: how it is written; several are tried in order.
        zone_column: the column that names the zone of this time; it wins over the calendar.
        add_years: added to the year, for files that write 0014.
        start_plus: the column of a duration that gives the end, counted from the start.
        end_minus: the column of a duration that gives the start, counted back from the end.
        clock_after_start: the column of a clock without a date; the end is the first time that it
            shows that from the start on.
        unit: of that duration; h if absent.
        receipt: whether the moment of receipt stands for it.
    """

    zone_column: str | None = None
    add_years: int = 0
    start_plus: str | None = None
    end_minus: str | None = None
    clock_after_start: str | None = None
    format: Annotated[Texts, BeforeValidator(one_or_more)] = ()
    unit: str | None = None
    receipt: bool = False

    @field_validator("format")
    @classmethod
    def _is_readable(cls, formats: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        is_duration = info.data.get("start_plus") or info.data.get("end_minus")
        is_clock = info.data.get("clock_after_start") is not None
        check = check_clock_format if is_clock else check_time_format
        for name in () if is_duration else formats:
            check(name)
        return formats

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.duration_column is None and not self.receipt and not self.format:
            raise ValueError('a time needs a format, such as format = "dd/mm/yyyy HH:MM"')
        if self.duration_column is None and self.unit is not None:
            raise ValueError("unit belongs to start_plus or end_minus; a time has a format")
        if self.says_how_written and (self.duration_column is None or self.format):
            raise ValueError("decimal, thousands and beside belong to a duration that is a number")
        if self.clock_after_start is not None and (self.add_years or self.zone_column is not None):
            raise ValueError(
                "a clock after the start has the start's date and zone; say only those"
            )
        ways = ("column", "columns", "start_plus", "end_minus", "clock_after_start", "receipt")
        return self._says_one_of(*ways)

    @property
    def follows_start(self) -> bool:
        """Whether it is worked out from the session's start."""
        return self.start_plus is not None or self.clock_after_start is not None

    @property
    def duration_column(self) -> str | None:
        """The column of the duration from which this time follows."""
        return self.start_plus if self.start_plus is not None else self.end_minus

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that it reads."""
        others = (self.duration_column, self.clock_after_start, self.zone_column)
        return (*super().inputs, *(name for name in others if name is not None))


class WeekdaySource(Source):
    """The weekday that a source states.

    Args:
        names: how it writes them, Monday first; English names and 1 to 7 if absent.
    """

    names: Texts = ()

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.names and len(set(self.names)) != 7:  # noqa: PLR2004 - days of a week
            raise ValueError("names needs seven different weekdays, Monday first")
        return self._says_one_of("column")
