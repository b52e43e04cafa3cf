"""The sections of a mapping that have one key for each field.

What lives here: `[fields]` and `[station]`, made from the one list of fields, and which sources fit
which field. What does not: what a source can say (`fields`), the mapping as a whole (`mapping`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    GetCoreSchemaHandler,
    create_model,
)
from pydantic_core import CoreSchema

from ev_pipeline.domain.session import SESSION_FIELDS, STATION_FIELDS, FieldSpec, Kind
from ev_pipeline.sources.durations import check_duration_format
from ev_pipeline.sources.fields import (
    NumberSource,
    Source,
    TextSource,
    TimeSource,
    WeekdaySource,
)
from ev_pipeline.sources.timeformats import check_time_format
from ev_pipeline.sources.units import units_of
from ev_pipeline.sources.written import STRICT


@dataclass(frozen=True, slots=True)
class ValidatedAs:
    """Marks a field whose value is an instance of a model that is made while this is imported."""

    model: type[BaseModel]

    def __get_pydantic_core_schema__(
        self, _source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """The schema of that model."""
        return handler.generate_schema(self.model)


def _bare_column(value: Any) -> Any:
    """A bare text names the column."""
    return {"column": value} if isinstance(value, str) else value


def _fits(field: str) -> Callable[[Any], Any]:
    """A check that the unit and the format make sense for `field`."""

    def check(source: NumberSource | TimeSource | None) -> NumberSource | TimeSource | None:
        if source is None:
            return None
        units = units_of(field)
        if source.unit is not None and source.unit not in units:
            known = ", ".join(units) or "it has none"
            raise ValueError(f"unit {source.unit!r} does not fit {field}; its units: {known}")
        if isinstance(source, NumberSource):
            _check_number_format(field, source)
        elif source.duration_column is not None:
            _check_each(source.format, check_duration_format)
        return source

    return check


def _check_number_format(field: str, source: NumberSource) -> None:
    """Only durations have a format: their own, or that of the time until which they last."""
    if not field.endswith("_h"):
        if source.until is not None:
            raise ValueError(f"until gives a duration, which does not fit {field}")
        if source.format:
            raise ValueError(
                f"format {source.format[0]!r} does not fit {field}: a number has decimal, "
                "thousands, beside and unit; only durations and times have a format"
            )
    _check_each(source.format, check_duration_format if source.until is None else check_time_format)


def _check_each(formats: tuple[str, ...], check: Callable[[str], str]) -> None:
    for name in formats:
        check(name)


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


def source_of(field: str) -> type[Source]:
    """What a field's value can come from."""
    kinds = {spec.name: _SOURCES[spec.kind] for spec in (*SESSION_FIELDS, *STATION_FIELDS)}
    return WeekdaySource if field == "weekday" else kinds.get(field, Source)


def sources_in(section: BaseModel) -> dict[str, Source]:
    """The sources that a section states, by field."""
    return {field: source for field, source in section if source is not None}
