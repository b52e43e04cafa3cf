"""A mapping: how one source writes its sessions or stations, as a person states it in TOML.

What lives here: the mapping as a whole, where mappings are found, and what they must say.
What does not: the sources of single fields (`fields`), what they must say together
(`mapping_rules`), the wording of errors (`mapping_errors`).
"""

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import TimeZoneName
from ev_pipeline.sources.fields import NumberSource, Source, TextSource, TimeSource
from ev_pipeline.sources.file_format import FileFormat
from ev_pipeline.sources.mapping_errors import refused, unreadable
from ev_pipeline.sources.mapping_rules import (
    refuse_lacking,
    refuse_one_sign_for_two,
    refuse_times_without_clock,
    refuse_underivable_times,
)
from ev_pipeline.sources.sections import (
    RegistryFields,
    SessionFields,
    StationHints,
    ValidatedAs,
    sources_in,
)
from ev_pipeline.sources.unknown_keys import nearest
from ev_pipeline.sources.variants import form_of
from ev_pipeline.sources.written import STRICT, Texts
from ev_pipeline.sources.zones import known_zones, offset_us

_NAME: Final = r"^[a-z0-9][a-z0-9_-]{0,62}$"
"""Like an account's name: it is a ledger's source and part of paths."""

_NO_KEYS: Final = ("text", "variants")
"""Attributes of a mapping that are no keys of its TOML."""


def _zone_or_offset(text: str) -> str:
    if offset_us(text) is None and text not in known_zones():
        raise ValueError(f'{text!r} is neither an offset like "-07:00" nor an IANA time zone')
    return text


class Mapping(BaseModel):
    """How one source writes its records; see `docs/mapping.md`.

    Args:
        name: what `load` calls the source.
        title: what it is, for people.
        records: what a record is.
        scope: the operator within which ids are unique; the setting's if absent.
        zone: IANA zone of the stations' clocks.
        times_in: zone in which the file writes times, where that is another one.
        resolution_s: to how many seconds times are cut.
        has_corrections: whether a later record with the same id replaces an earlier one.
        key_has_end: whether starts repeat on a connector, so that the natural key needs the end.
        missing: texts that mean "no value" in every field.
        zones: what the texts in zone columns mean.
        file: how the file is written.
        fields: where each field's value comes from.
        station: what session rows tell of their station.
        text: the TOML that it was read from.
        variants: forms of the same source without some columns.
    """

    model_config = STRICT

    name: Annotated[str, Field(pattern=_NAME)]
    title: Annotated[str, Field(min_length=1)]
    records: Literal["session", "station", "site"]
    scope: Annotated[str, Field(pattern=_NAME)] | None = None
    zone: TimeZoneName | None = None
    times_in: TimeZoneName | None = None
    resolution_s: Annotated[float, Field(ge=0)] = 0.0
    has_corrections: bool = False
    key_has_end: bool = False
    missing: Texts = ()
    zones: dict[str, Annotated[str, AfterValidator(_zone_or_offset)]] = Field(default_factory=dict)
    file: FileFormat = FileFormat()
    fields: BaseModel
    station: BaseModel | None = None
    text: str = Field(default="", repr=False)
    variants: tuple["Variant", ...] = ()

    @property
    def sources(self) -> dict[str, Source]:
        """Where each field's value comes from, by field."""
        return sources_in(self.fields)

    @property
    def hints(self) -> dict[str, Source]:
        """Where what session rows tell of their station comes from."""
        return {} if self.station is None else sources_in(self.station)

    @property
    def currency(self) -> str | None:
        """The currency that it states for every record."""
        source = self.sources.get("currency")
        return source.value if isinstance(source, TextSource) else None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column or path that it reads, once."""
        sources = (*self.sources.values(), *self.hints.values())
        return tuple(dict.fromkeys(name for source in sources for name in source.inputs))

    def clock_of(self, source: TimeSource | NumberSource) -> str | None:
        """The zone of a source's times that state none: its own, else the mapping's.

        Where a column should have named a time's zone and does not, that is the stations' one.
        """
        if source.zone_column is not None:
            return source.times_in or self.zone or self.times_in
        return source.times_in or self.times_in or self.zone

    @property
    def has_tied_times(self) -> bool:
        """Whether start and end follow from each other by a duration."""
        times = (self.sources.get(field) for field in ("started_at", "ended_at"))
        return any(isinstance(time, TimeSource) and time.duration_column for time in times)

    def for_columns(self, names: list[str]) -> "Mapping":
        """The mapping for a file with these columns: itself, or one of its variants."""
        present = set(names)
        for variant in self.variants:
            if present.isdisjoint(variant.without):
                return variant.mapping
        return self

    @model_validator(mode="after")
    def _can_keep_its_records(self) -> Self:
        refuse_lacking(self.records, self.sources)
        return self

    @model_validator(mode="after")
    def _knows_its_clock(self) -> Self:
        if self.zone is None and self.times_in is None:
            refuse_times_without_clock(self.sources)
        return self

    @model_validator(mode="after")
    def _tells_signs_of_numbers_apart(self) -> Self:
        refuse_one_sign_for_two(self.sources | self.hints, self.file)
        return self


class SessionMapping(Mapping):
    """A mapping whose records are charging sessions."""

    records: Literal["session"]
    fields: Annotated[BaseModel, ValidatedAs(SessionFields)]
    station: Annotated[BaseModel, ValidatedAs(StationHints)] | None = None

    @model_validator(mode="after")
    def _derives_at_most_one_time(self) -> Self:
        refuse_underivable_times(self.sources)
        return self


class RegistryMapping(Mapping):
    """A mapping whose records are stations, or sites that several stations share."""

    records: Literal["station", "site"]
    fields: Annotated[BaseModel, ValidatedAs(RegistryFields)]
    station: None = None


class Variant(BaseModel):
    """A form of the same source that lacks some columns.

    Args:
        without: the columns that such a file lacks, all of them.
        mapping: how it is read.
    """

    model_config = STRICT

    without: Texts
    mapping: Mapping


def _validated(document: dict[str, Any], text: str, where: str) -> Mapping:
    model = RegistryMapping if document.get("records") in ("station", "site") else SessionMapping
    try:
        return model.model_validate({**document, "text": text})
    except ValidationError as error:
        known = [key for key in Mapping.model_fields if key not in _NO_KEYS]
        raise refused(error, text, where, known) from error


def _variant(document: dict[str, Any], change: dict[str, Any], text: str, where: str) -> Variant:
    """The variant that a `[[variant]]` table describes: what it says over what the mapping says."""
    whole = _validated(document, text, where)
    inputs = {field: source.inputs for field, source in whole.sources.items()}
    without, form = form_of(document, change, inputs, text, where)
    return Variant(without=without, mapping=_validated(form, text, where))


def parse_mapping(text: str, *, where: str) -> Mapping:
    """The mapping that a TOML text states.

    Args:
        text: the TOML.
        where: what the text is called in errors.

    Raises:
        PipelineError: it is no TOML, or not a mapping; names the line and the mend.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise unreadable(error, text, where) from error
    changes = document.pop("variant", [])
    mapping = _validated(document, text, where)
    if not changes:
        return mapping
    variants = tuple(_variant(document, change, text, where) for change in changes)
    return mapping.model_copy(update={"variants": variants})


@cache
def shipped_mappings() -> dict[str, Mapping]:
    """The mappings that come with the package, by name."""
    folder = resources.files("ev_pipeline.sources") / "mappings"
    files = sorted(
        (item for item in folder.iterdir() if item.name.endswith(".toml")),
        key=lambda item: item.name,
    )
    mappings = (parse_mapping(item.read_text(encoding="utf-8"), where=str(item)) for item in files)
    return {mapping.name: mapping for mapping in mappings}


def load_mapping(name_or_path: str) -> Mapping:
    """The shipped mapping of that name, or the one in the file at that path.

    Raises:
        PipelineError: there is neither, or the file is no mapping.
    """
    shipped = shipped_mappings()
    if name_or_path in shipped:
        return shipped[name_or_path]
    path = Path(name_or_path)
    if not path.is_file():
        closest = nearest(name_or_path, shipped)
        hint = f"did you mean {closest}? " if closest else ""
        raise PipelineError(
            f"there is no mapping {name_or_path!r}",
            mend=f"{hint}name one of {', '.join(shipped)}, or the path of a mapping file",
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineError(
            f"the mapping cannot be read: {error}",
            where=name_or_path,
            mend="it must be a readable text file in UTF-8",
        ) from error
    return parse_mapping(text, where=name_or_path)
