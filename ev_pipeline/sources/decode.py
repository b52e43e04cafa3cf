"""A record's texts, as its source writes them, become a canonical frame: the one decoder.

What lives here: which text becomes which field, and what could not be read.
What does not: cutting files into records (`reader`), judging what was read (`domain.validation`).
"""

from datetime import UTC, datetime
from typing import Final

import polars as pl

from ev_pipeline.sources.canonical_schema import EXTRA_COLUMNS, MOMENT, canonical_schema
from ev_pipeline.sources.cells import Cells, constant, where
from ev_pipeline.sources.clock_ends import Start, clock_ends
from ev_pipeline.sources.fields import (
    NumberSource,
    Source,
    TextSource,
    TimeSource,
    WeekdaySource,
)
from ev_pipeline.sources.findings import Findings
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline.sources.numbers import read_numbers
from ev_pipeline.sources.times import Moments, in_years, read_written, to_moments
from ev_pipeline.sources.weekdays import read_weekdays
from ev_pipeline.sources.zones import station_zones

_NEEDED: Final = ("started_at", "ended_at")
"""Fields from which others are worked out."""

_MAX_DURATION_H: Final = 1e6
"""A longer duration (114 years) is no duration, and would leave the range of times."""

_US_PER_HOUR: Final = 3_600_000_000
"""µs in an hour."""

_DECIMALS: Final = 9
"""Digits kept of a difference: more are the noise of binary fractions."""


def to_canonical(
    raw: pl.DataFrame, mapping: Mapping, *, received_at: datetime | pl.Series
) -> pl.DataFrame:
    """The canonical fields of every raw record, in order, with what could not be read.

    Args:
        raw: String columns, named as the mapping's columns or paths; a column that is not there
            counts as missing in every record.
        mapping: how the source writes its records.
        received_at: when the records came, or when each did (Datetime, us, UTC); stands for times
            that the mapping takes from receipt.

    Returns:
        A frame of `canonical_schema`, one row a record.
    """
    batch = _Batch(raw, mapping, received_at)
    for field, source in sorted(mapping.sources.items(), key=lambda item: _follows(item[1])):
        batch.read(field, source)
    for field, source in mapping.hints.items():
        batch.read("zone" if field == "time_zone" else f"station_{field}", source)
    return batch.frame()


def _follows(source: Source) -> int:
    """How many fields must be read before it: those from which it is worked out."""
    match source:
        case TimeSource(duration_column=str()) | TimeSource(clock_after_start=str()):
            return 1
        case NumberSource(until=str()):
            return 2
        case WeekdaySource():
            return 1
        case _:
            return 0


class _Batch:
    """A batch while its fields are read, one after the other."""

    def __init__(
        self, raw: pl.DataFrame, mapping: Mapping, received_at: datetime | pl.Series
    ) -> None:
        self._mapping = mapping
        self._received_at = received_at
        self._cells = Cells(raw, mapping.missing)
        self._values: dict[str, pl.Series] = {}
        self._findings = Findings(raw.height)
        self._start: Start | None = None

    def read(self, field: str, source: Source) -> None:
        """Read one field; what of it could not be read becomes a finding."""
        if field not in _NEEDED and self._is_unsaid(source):
            return
        match source:
            case TextSource():
                self._read_text(field, source)
            case NumberSource(until=str()):
                self._read_until(field, source)
            case NumberSource():
                self._read_number(field, source)
            case TimeSource(clock_after_start=str()):
                self._read_clock_end(field, source)
            case TimeSource() if _follows(source):
                self._follow_time(field, source)
            case TimeSource():
                self._read_time(field, source)
            case WeekdaySource():
                self._read_weekday(field, source)

    def _is_unsaid(self, source: Source) -> bool:
        """Whether the field is null in every record, as it is where nothing is read."""
        return bool(source.inputs) and not any(map(self._cells.has, source.inputs))

    def frame(self) -> pl.DataFrame:
        """The canonical frame of what was read."""
        schema = canonical_schema(self._mapping)
        self._values["problems"] = self._findings.problems([*schema])
        self._values["notes"] = self._findings.notes()
        if self._mapping.zone is not None:
            stated = self._values.get("zone", self._constant(None, pl.String()))
            self._values["zone"] = stated.fill_null(self._mapping.zone)
        return pl.DataFrame(
            [
                self._values[field].alias(field)
                if field in self._values
                else self._constant(None, dtype).alias(field)
                for field, dtype in schema.items()
            ]
        )

    def _constant(self, value: object, dtype: pl.DataType) -> pl.Series:
        return constant(value, dtype, self._cells.height)

    def _read_text(self, field: str, source: TextSource) -> None:
        if source.value is not None:
            self._values[field] = self._constant(source.value, pl.String())
            return
        texts = self._cells.texts(source)
        texts = texts.replace(source.values) if source.values else texts
        self._values[field] = texts
        if field in ("zone", "time_zone"):
            self._values[field] = where(texts.is_in(sorted(station_zones())), texts)
            self._findings.refuse(field, texts, self._values[field])

    def _read_number(self, field: str, source: NumberSource) -> None:
        if source.value is not None:
            self._values[field] = self._constant(source.value, pl.Float64())
            return
        texts = self._cells.texts(source)
        numbers = self._numbers(texts, field, source)
        if source.minus is not None:
            taken = self._cells.texts_of(source.minus, source)
            numbers = (numbers - self._numbers(taken, field, source)).round(_DECIMALS)
            texts = texts + " - " + taken
        self._values[field] = numbers
        if field not in EXTRA_COLUMNS:
            self._findings.refuse(field, texts, self._values[field])

    def _numbers(
        self, texts: pl.Series, field: str, source: NumberSource | TimeSource
    ) -> pl.Series:
        style = self._mapping.file.style_of(source)
        return read_numbers(texts, field, style=style, unit=source.unit, durations=source.format)

    def _read_time(self, field: str, source: TimeSource) -> None:
        if source.receipt:
            self._values[field] = self._receipt()
            self._findings.note("time_assigned", self._constant(value=True, dtype=pl.Boolean()))
            return
        texts = self._cells.texts(source)
        written = read_written(texts, source.format, add_years=source.add_years)
        zone, zone_texts = self._clock_of(source)
        zones = self._mapping.zones
        moments = to_moments(written, zone=zone, zone_texts=zone_texts, zones=zones)
        if field == "started_at":
            self._start = Start(written, moments.earlier, zone, zone_texts, zones)
        self._findings.refuse(field, texts, moments.earlier)
        self._keep_time(field, moments)
        if field == "ended_at" and source.else_column is not None:
            is_other = self._cells.has_stand_in(source) & moments.earlier.is_not_null()
            self._findings.note("end_derived", is_other)

    def _clock_of(self, source: TimeSource | NumberSource) -> tuple[str | None, pl.Series | None]:
        """The zone of a source's times, and the zones that the records state for them."""
        column = source.zone_column
        zone_texts = None if column is None else self._cells.column(column)
        return self._mapping.clock_of(source), zone_texts

    def _read_clock_end(self, field: str, source: TimeSource) -> None:
        if self._start is None:
            raise AssertionError(f"{field} was read before the start that it follows")
        texts = self._cells.texts(source)
        ends = clock_ends(texts, source.format, self._start)
        self._findings.refuse(field, texts, ends.readable)
        self._keep_time(field, ends.moments)

    def _read_until(self, field: str, source: NumberSource) -> None:
        """The hours from the session's start until a time; its earlier reading where it has two."""
        texts = self._cells.texts(source)
        zone, zone_texts = self._clock_of(source)
        written = read_written(texts, source.format, add_years=0)
        zones = self._mapping.zones
        moments = to_moments(written, zone=zone, zone_texts=zone_texts, zones=zones).earlier
        started_at = self._values["started_at"]
        elapsed_h = (moments - started_at).dt.total_microseconds() / _US_PER_HOUR
        is_before = (elapsed_h < 0).fill_null(value=False)
        self._findings.refuse(field, texts, where(~is_before, moments))
        self._values[field] = where(~is_before, elapsed_h)

    def _receipt(self) -> pl.Series:
        if isinstance(self._received_at, datetime):
            return self._constant(self._received_at.astimezone(UTC), MOMENT)
        return self._received_at

    def _follow_time(self, field: str, source: TimeSource) -> None:
        """Work out a time from the other one and a duration."""
        after = source.start_plus is not None
        known = "started_at" if after else "ended_at"
        texts = self._cells.texts(source)
        hours = self._numbers(texts, field, source)
        hours = where(hours.abs() <= _MAX_DURATION_H, hours)
        moved = (hours * _US_PER_HOUR).round().cast(pl.Int64).cast(pl.Duration("us"))
        moved = moved if after else -moved
        earlier, later = self._values[known], self._later(known)
        derived = in_years(earlier + moved)
        self._findings.refuse(field, texts, where(derived.is_not_null() | earlier.is_null(), hours))
        self._keep_time(field, Moments(derived, where(derived.is_not_null(), later + moved)))
        if after and not source.is_plugged_in:
            self._findings.note("end_derived", self._values[field].is_not_null())

    def _later(self, field: str) -> pl.Series:
        return self._values.get(_later_name(field), self._constant(None, MOMENT))

    def _keep_time(self, field: str, moments: Moments) -> None:
        self._values[field] = moments.earlier
        if field in ("started_at", "ended_at"):
            self._values[_later_name(field)] = moments.later
            if moments.later.null_count() < self._cells.height:
                self._findings.note("time_ambiguous", moments.later.is_not_null())

    def _read_weekday(self, field: str, source: WeekdaySource) -> None:
        if self._findings.has_noted("time_assigned"):
            return  # the weekday of another time than the receipt's
        self._values[field] = read_weekdays(self._cells.texts(source), source.names)


def _later_name(field: str) -> str:
    return field.replace("_at", "_later_at")
