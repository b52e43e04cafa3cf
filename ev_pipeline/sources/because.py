"""Why a field became what it became, said for the person who writes the mapping.

What lives here: the wording, from the mapping's source and the texts of one record.
What does not: reading (`decode`); which records are looked at (`explain`).
"""

from collections.abc import Mapping as Dict
from typing import Any

import polars as pl

from ev_pipeline.sources.fields import NumberSource, Source, TextSource, TimeSource, WeekdaySource
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline.sources.times import read_written

Texts = Dict[str, str | None]


def origin_of(source: Source) -> str:
    """What gives a field: its columns, or what else does."""
    columns = " + ".join(_told_columns(source))
    match source:
        case TimeSource(start_plus=str()):
            return f"started_at + {columns}"
        case TimeSource(end_minus=str()):
            return f"ended_at - {columns}"
        case TimeSource(clock_after_start=str()):
            return f"from started_at on, {columns}"
        case NumberSource(until=str()):
            return f"from started_at until {columns}"
        case TimeSource(receipt=True):
            return "the moment of loading"
        case _:
            return columns or "the same for every record"


def because(source: Source, texts: Texts, value: Any, mapping: Mapping) -> str:
    """Where a value comes from, what stands there, and by which rule it was read.

    Args:
        source: what the mapping says of the field.
        texts: what stands in the record's columns; one that the file lacks is absent.
        value: what it became.
        mapping: the whole mapping.
    """
    origin = origin_of(source)
    if not source.inputs:
        return origin
    said = _said(source, texts, value, mapping)
    return f"{origin}: {said}" if said else origin


def _said(source: Source, texts: Texts, value: Any, mapping: Mapping) -> str:
    """What stands in the columns, and how it was read; empty where it was taken as it stands."""
    written = text_of(source, texts)
    if absent := [column for column in source.inputs if column not in texts]:
        return f"the file has no column {', '.join(absent)}"
    if written is None:
        return "empty"
    if value is not None:
        rule = _rule(source, written, texts, mapping)
        is_plain = isinstance(source, TextSource) and written == value
        return f"{written} ({rule})" if rule else "" if is_plain else written
    if written in (*mapping.missing, *source.missing):
        return f"{written}, which the mapping takes for no value"
    return f"{written}, {_expected(source, mapping)}"


def _told_columns(source: Source) -> list[str]:
    """The columns of the value itself, without the one of its zone."""
    zone = source.zone_column if isinstance(source, TimeSource) else None
    return [column for column in source.inputs if column != zone]


def text_of(source: Source, texts: Texts) -> str | None:
    """What stands in the columns of a source, beside a zone's; null where nothing does."""
    parts = [(texts.get(column) or "").strip() for column in _told_columns(source)]
    return " ".join(filter(None, parts)) or None


def _rule(source: Source, written: str, texts: Texts, mapping: Mapping) -> str:
    """How the text was read; empty where it stands for itself."""
    match source:
        case TimeSource(clock_after_start=str()):
            return " or ".join(source.format)
        case TimeSource(duration_column=None):
            return _time_rule(source, written, texts, mapping)
        case TimeSource():
            how = next(iter(source.format), source.unit or "h")
            return ", ".join(filter(None, (how, _signs(source, written, mapping))))
        case NumberSource():
            signs = _signs(source, written, mapping)
            return ", ".join(filter(None, (source.format, source.unit, signs)))
        case WeekdaySource():
            return "Monday is 1"
        case _:
            return ""


def _signs(source: NumberSource | TimeSource, written: str, mapping: Mapping) -> str:
    """By which signs a number was read that it has."""
    if source.format:
        return ""
    style = mapping.file.style_of(source)
    said = ["decimal comma"] if style.decimal == "," and "," in written else []
    if style.thousands:
        said.append(f"thousands apart by {_shown(style.thousands)}")
    return ", ".join(said)


def _shown(sign: str) -> str:
    return "a blank" if sign == " " else sign


def _time_rule(source: TimeSource, written: str, texts: Texts, mapping: Mapping) -> str:
    """The format that fits, and whose clock it is."""
    text = pl.Series([written])
    for name in source.format:
        read = read_written(text, (name,), add_years=source.add_years)
        if read.moments.is_not_null().any():
            return f"{name}, a moment by itself"
        if read.clocks.is_not_null().any():
            stated = texts.get(source.zone_column) if source.zone_column else None
            clock = (
                f"{stated} in {source.zone_column}" if stated else mapping.times_in or mapping.zone
            )
            years = f", + {source.add_years} years" if source.add_years else ""
            return f"{name}{years}, clock of {clock}"
    return ""


def _expected(source: Source, mapping: Mapping) -> str:
    """What a text should have been that could not be read."""
    if not isinstance(source, NumberSource | TimeSource):
        return "not a weekday" if isinstance(source, WeekdaySource) else "not known"
    formats = [source.format] if isinstance(source.format, str) else source.format or ()
    if formats:
        return f"not a {_kind(source)} like {' or '.join(formats)}"
    style = mapping.file.style_of(source)
    thousands = f", thousands apart by {_shown(style.thousands)}" if style.thousands else ""
    beside = f", at most {' or '.join(style.beside)} beside it" if style.beside else ""
    return f"not a number with the decimal sign {style.decimal}{thousands}{beside}"


def _kind(source: NumberSource | TimeSource) -> str:
    """What the formats of a source are those of."""
    if isinstance(source, NumberSource):
        return "duration" if source.until is None else "time"
    if source.clock_after_start is not None:
        return "clock"
    return "time" if source.duration_column is None else "duration"
