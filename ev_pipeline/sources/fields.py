"""Where a field's value comes from: the part of a mapping that stands to the right of `=`.

What lives here: the models of text, number and time sources, and of the sections made of them.
What does not: reading values (`decode`), the mapping as a whole (`mapping`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    create_model,
    model_validator,
)
from pydantic_core import CoreSchema

from ev_pipeline.domain.session import SESSION_FIELDS, STATION_FIELDS, FieldSpec, Kind
from ev_pipeline.sources.durations import DURATION_FORMATS
from ev_pipeline.sources.timeformats import check_time_format
from ev_pipeline.sources.units import units_of


@dataclass(frozen=True, slots=True)
class ValidatedAs:
    """Marks a field whose value is an instance of a model that is made while this is imported."""

    model: type[BaseModel]

    def __get_pydantic_core_schema__(
        self, _source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """The schema of that model."""
        return handler.generate_schema(self.model)


STRICT: Final = ConfigDict(frozen=True, extra="forbid", strict=True)
"""A mapping means exactly what it says: no unknown keys, no silent conversion of types."""

Texts = Annotated[tuple[str, ...], Field(strict=False)]


def one_or_more(value: Any) -> Any:
    """A bare text stands for a list of one."""
    return [value] if isinstance(value, str) else value


TimeFormats = Annotated[
    tuple[Annotated[str, AfterValidator(check_time_format)], ...],
    BeforeValidator(one_or_more),
    Field(strict=False),
]


def _bare_column(value: Any) -> Any:
    """A bare text names the column."""
    return {"column": value} if isinstance(value, str) else value


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


class NumberSource(Source):
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
        return self._says_one_of("column", "value", "until")

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return super().inputs if self.until is None else (self.until,)


class TimeSource(Source):
    """A time: written out, the other time and a duration, or the time of receipt.

    Args:
        format: how it is written; several are tried in order.
        zone_column: the column that names the zone of this time; it wins over the calendar.
        add_years: added to the year, for files that write 0014.
        start_plus: the column of a duration that gives the end, counted from the start.
        end_minus: the column of a duration that gives the start, counted back from the end.
        unit: of that duration; h if absent.
        receipt: whether the moment of receipt stands for it.
    """

    format: TimeFormats = ()
    zone_column: str | None = None
    add_years: int = 0
    start_plus: str | None = None
    end_minus: str | None = None
    unit: str | None = None
    receipt: bool = False

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.duration_column is None and not self.receipt and not self.format:
            raise ValueError('a time needs a format, such as format = "dd/mm/yyyy HH:MM"')
        if self.duration_column is None and self.unit is not None:
            raise ValueError("unit belongs to start_plus or end_minus; a time has a format")
        return self._says_one_of("column", "columns", "start_plus", "end_minus", "receipt")

    @property
    def duration_column(self) -> str | None:
        """The column of the duration from which this time follows."""
        return self.start_plus if self.start_plus is not None else self.end_minus

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that it reads."""
        others = (self.duration_column, self.zone_column)
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


def _states_a_duration(source: NumberSource | TimeSource) -> bool:
    """Whether the source's format, if it has one, is of durations and not of times."""
    if isinstance(source, NumberSource):
        return source.until is None
    return source.duration_column is not None


def _fits(field: str) -> Callable[[Any], Any]:
    """A check that the unit and the format make sense for `field`."""

    def check(source: NumberSource | TimeSource | None) -> NumberSource | TimeSource | None:
        if source is None:
            return None
        units = units_of(field)
        if source.unit is not None and source.unit not in units:
            known = ", ".join(units) or "it has none"
            raise ValueError(f"unit {source.unit!r} does not fit {field}; its units: {known}")
        if isinstance(source, NumberSource) and source.until and not field.endswith("_h"):
            raise ValueError(f"until gives a duration, which does not fit {field}")
        is_duration = _states_a_duration(source)
        formats = [source.format] if isinstance(source.format, str) else source.format or []
        for name in formats if not is_duration else ():
            check_time_format(name)
        wrong = [name for name in formats if is_duration != (name in DURATION_FORMATS)]
        if wrong or (formats and isinstance(source, NumberSource) and not field.endswith("_h")):
            known = ", ".join(DURATION_FORMATS) if is_duration else "those of a time"
            raise ValueError(f"format {formats[0]!r} does not fit {field}; known here: {known}")
        return source

    return check


_SOURCES: Final[dict[Kind, type[Source]]] = {
    Kind.TEXT: TextSource,
    Kind.NUMBER: NumberSource,
    Kind.TIME: TimeSource,
}


def _section(name: str, specs: tuple[FieldSpec, ...], **more: type[Source]) -> type[BaseModel]:
    """A section that has one key for each field."""
    kinds = {spec.name: _SOURCES[spec.kind] for spec in specs} | more
    definitions: dict[str, Any] = {}
    for field, source in kinds.items():
        annotated: Any = Annotated[source | None, BeforeValidator(_bare_column)]
        if issubclass(source, NumberSource | TimeSource):
            annotated = Annotated[annotated, AfterValidator(_fits(field))]
        definitions[field] = (annotated, None)
    return create_model(name, __config__=STRICT, **definitions)


SessionFields: Final = _section("SessionFields", SESSION_FIELDS, weekday=WeekdaySource)
"""`[fields]` of a mapping whose records are sessions."""

RegistryFields: Final = _section("RegistryFields", STATION_FIELDS)
"""`[fields]` of a mapping whose records are stations or sites."""

_STATION_HINTS: Final = tuple(
    spec for spec in STATION_FIELDS if spec.name in {"name", "latitude", "longitude", "time_zone"}
)

StationHints: Final = _section("StationHints", _STATION_HINTS)
"""`[station]`: what session rows tell of their station."""


def sources_in(section: BaseModel) -> dict[str, Source]:
    """The sources that a section states, by field."""
    return {field: source for field, source in section if source is not None}
