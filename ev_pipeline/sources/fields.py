"""Where a field's value comes from: the part of a mapping that stands to the right of `=`.

What lives here: the models of text, number and time sources.
What does not: what they share (`written`), the sections made of them (`sections`), reading values
(`decode`).
"""

from typing import Annotated, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ev_pipeline.sources.timeformats import check_clock_format, check_time_format
from ev_pipeline.sources.written import (
    STRICT,
    NonEmpty,
    Texts,
    WrittenNumber,
    WrittenTime,
    one_or_more,
)


class Source(BaseModel):
    """What every source of a value can say.

    Args:
        column: the column, or the path into a JSON record (`data.energy`).
        columns: several of them, joined by one space.
        else_column: read where the column has no value.
        before: only what stands before the first such text; all where there is none.
        after: only what stands after the first such text; nothing where there is none.
        before_last: as `before`, with the last such text.
        after_last: as `after`, with the last such text.
        missing: texts that mean "no value" here, beside those of the whole mapping.
    """

    model_config = STRICT

    column: str | None = None
    columns: Texts = ()
    else_column: str | None = None
    before: NonEmpty | None = None
    after: NonEmpty | None = None
    before_last: NonEmpty | None = None
    after_last: NonEmpty | None = None
    missing: Texts = ()

    @property
    def told(self) -> tuple[str, ...]:
        """The columns of the value itself, joined where there are several."""
        return (self.column,) if self.column is not None else self.columns

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every column that it reads."""
        return self.told if self.else_column is None else (*self.told, self.else_column)

    @property
    def cut(self) -> tuple[str, str] | None:
        """Which part of the text it takes: one of these keys, and at what; null for all of it."""
        return next(iter(self._cuts()), None)

    def _cuts(self) -> list[tuple[str, str]]:
        said = {
            "before": self.before,
            "after": self.after,
            "before_last": self.before_last,
            "after_last": self.after_last,
        }
        return [(way, text) for way, text in said.items() if text is not None]

    @model_validator(mode="after")
    def _takes_one_part(self) -> Self:
        if len(self._cuts()) > 1:
            raise ValueError("say at most one of before, after, before_last, after_last")
        if self.cut is not None and not self.told:
            raise ValueError(f"{self.cut[0]} takes a part of a column; say which column")
        if self.else_column is not None and self.column is None:
            raise ValueError("else_column stands in for a column; say which column")
        return self

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
        values: what texts become; others stay as they are.
    """

    value: str | None = None
    values: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        return self._says_one_of("column", "columns", "value")


class NumberSource(Source, WrittenNumber, WrittenTime):
    """A number: from a column, or the same for every record.

    Args:
        value: the constant.
        minus: the column that is taken from the other one, such as a meter's first reading.
        until: the column of a time; the number is the duration from the session's start until it.
        unit: the unit that the source states it in; the field's own if absent.
        format: how a duration is written, e.g. `h:mm:ss`, a plain number if absent; or how the
            time of `until` is; several are tried in order.
    """

    columns: Annotated[Texts, Field(max_length=0)] = ()
    value: float | None = None
    minus: str | None = None
    until: str | None = None
    unit: str | None = None
    format: Annotated[Texts, BeforeValidator(one_or_more)] = ()

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.format and self.unit is not None:
            raise ValueError("say unit or format, not both: a duration format has its own units")
        if self.until is not None and not self.format:
            raise ValueError('until names a time, which needs a format, such as format = "iso"')
        if self.says_how_written and (self.format or self.column is None):
            raise ValueError("decimal, thousands and beside belong to a column of plain numbers")
        if self.says_whose_clock and self.until is None:
            raise ValueError("zone_column and times_in belong to times; a number has none")
        if self.minus is not None and self.column is None:
            raise ValueError("minus is taken from a column; say which column")
        return self._says_one_of("column", "value", "until")

    @property
    def told(self) -> tuple[str, ...]:
        """The columns of the value itself."""
        return super().told if self.until is None else (self.until,)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every column that it reads."""
        others = (self.minus, self.zone_column)
        return (*super().inputs, *(name for name in others if name is not None))


class TimeSource(Source, WrittenNumber, WrittenTime):
    """A time: written out, a clock or a duration beside the other time, or that of receipt.

    Args:
        format: how it is written; several are tried in order.
        add_years: added to the year, for files that write 0014.
        start_plus: the column of a duration that gives the end, counted from the start.
        is_plugged_in: whether that duration is the time plugged in, so that the end is no guess.
        end_minus: the column of a duration that gives the start, counted back from the end.
        clock_after_start: the column of a clock without a date; the end is the first time that it
            shows that from the start on.
        unit: of that duration; h if absent.
        receipt: whether the moment of receipt stands for it.
    """

    add_years: int = 0
    start_plus: str | None = None
    is_plugged_in: bool = False
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
        if self.is_plugged_in and self.start_plus is None:
            raise ValueError("is_plugged_in is said of the duration that start_plus names")
        self._has_clock_where_it_may()
        ways = ("column", "columns", "start_plus", "end_minus", "clock_after_start", "receipt")
        return self._says_one_of(*ways)

    def _has_clock_where_it_may(self) -> None:
        if self.clock_after_start is not None and (self.add_years or self.says_whose_clock):
            raise ValueError(
                "a clock after the start has the start's date and zone; say only those"
            )
        if self.says_whose_clock and not super().told:
            raise ValueError("zone_column and times_in belong to a time that is written out")

    @property
    def follows_start(self) -> bool:
        """Whether it is worked out from the session's start."""
        return self.start_plus is not None or self.clock_after_start is not None

    @property
    def duration_column(self) -> str | None:
        """The column of the duration from which this time follows."""
        return self.start_plus if self.start_plus is not None else self.end_minus

    @property
    def told(self) -> tuple[str, ...]:
        """The columns of the time, the clock or the duration, joined where there are several."""
        other = self.duration_column or self.clock_after_start
        return super().told if other is None else (other,)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every column that it reads."""
        zone = () if self.zone_column is None else (self.zone_column,)
        return (*super().inputs, *zone)


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
