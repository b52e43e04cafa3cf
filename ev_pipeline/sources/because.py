"""Why a field became what it became, said for the person who writes the mapping.

What lives here: the wording, from the mapping's source and the texts of one record.
What does not: reading (`decode`); which records are looked at (`explain`).
"""

from collections.abc import Mapping as Dict
from typing import Any

import polars as pl

from ev_pipeline.sources.durations import read_durations_h
from ev_pipeline.sources.fields import NumberSource, Source, TextSource, TimeSource, WeekdaySource
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline.sources.times import read_written

Texts = Dict[str, str | None]


def origin_of(source: Source, texts: Texts | None = None) -> str:
    """What gives a field: its columns, or what else does.

    Args:
        source: what the mapping says of the field.
        texts: what stands in a record's columns; tells whether another column stands in.
    """
    columns = " + ".join(_told_columns(source, texts or {}))
    if source.cut is not None:
        way, mark = source.cut
        columns = f"{columns} {way.replace('_', ' ')} {mark}"
    match source:
        case TimeSource(start_plus=str()):
            origin = f"started_at + {columns}"
        case TimeSource(end_minus=str()):
            origin = f"ended_at - {columns}"
        case TimeSource(clock_after_start=str()):
            origin = f"from started_at on, {columns}"
        case NumberSource(until=str()):
            origin = f"from started_at until {columns}"
        case NumberSource(minus=str()):
            origin = f"{columns} - {source.minus}"
        case TimeSource(receipt=True):
            origin = "the moment of loading"
        case _:
            origin = columns or "the same for every record"
    return origin


def because(
    source: Source, texts: Texts, value: Any, mapping: Mapping, *, has_start: bool = True
) -> str:
    """Where a value comes from, what stands there, and by which rule it was read.

    Args:
        source: what the mapping says of the field.
        texts: what stands in the record's columns; one that the file lacks is absent.
        value: what it became.
        mapping: the whole mapping.
        has_start: whether the record has a start from which to count.
    """
    origin = origin_of(source, texts)
    if not source.inputs:
        return origin
    said = _said(source, texts, value, mapping, has_start=has_start)
    return f"{origin}: {said}" if said else origin


def _said(source: Source, texts: Texts, value: Any, mapping: Mapping, *, has_start: bool) -> str:
    """What stands in the columns, and how it was read; empty where it was taken as it stands."""
    written = text_of(source, texts)
    if absent := [column for column in source.inputs if column not in texts]:
        return f"the file has no column {', '.join(absent)}"
    if written is None:
        return "empty"
    if value is not None:
        rule = _rule(source, written, texts, mapping)
        is_plain = isinstance(source, TextSource) and written == value and source.cut is None
        return f"{written} ({rule})" if rule else "" if is_plain else written
    return f"{written}, {_why_nothing(source, written, mapping, has_start=has_start)}"


def _why_nothing(source: Source, written: str, mapping: Mapping, *, has_start: bool) -> str:
    """Why a text gave no value."""
    if written in (*mapping.missing, *source.missing):
        return "which the mapping takes for no value"
    if source.cut is not None and source.cut[1] not in written:
        return f"in which there is no {source.cut[1]}"
    if _counts_from_start(source) and not has_start:
        return "but there is no start to count from"
    if isinstance(source, NumberSource) and source.until is not None:
        read = read_written(pl.Series([written]), source.format, add_years=0)
        if (read.moments.is_not_null() | read.clocks.is_not_null()).any():
            return "which is before the start; if it means no time, name it in missing"
    return _expected(source, mapping)


def _counts_from_start(source: Source) -> bool:
    """Whether the value is counted from the session's start."""
    is_until = isinstance(source, NumberSource) and source.until is not None
    return is_until or (isinstance(source, TimeSource) and source.follows_start)


def _told_columns(source: Source, texts: Texts) -> tuple[str, ...]:
    """The columns of the value itself, or the one that stands in for them."""
    if source.else_column is not None and not any(texts.get(name) for name in source.told):
        return (source.else_column,) if texts.get(source.else_column) else source.told
    return source.told


def text_of(source: Source, texts: Texts) -> str | None:
    """What stands in the columns of a source, beside a zone's; null where nothing does."""
    parts = [(texts.get(column) or "").strip() for column in _told_columns(source, texts)]
    written = " ".join(filter(None, parts)) or None
    if isinstance(source, NumberSource) and source.minus is not None:
        taken = texts.get(source.minus)
        return f"{written} - {taken}" if written and taken else None
    return written


def _rule(source: Source, written: str, texts: Texts, mapping: Mapping) -> str:
    """How the text was read; empty where it stands for itself."""
    match source:
        case TextSource():
            return "as values says" if written in source.values else ""
        case TimeSource(clock_after_start=str()):
            return " or ".join(source.format)
        case TimeSource(duration_column=None) | NumberSource(until=str()):
            return _time_rule(source, written, texts, mapping)
        case TimeSource() | NumberSource():
            unit = source.unit or ("h" if isinstance(source, TimeSource) else None)
            how = _fitting(source.format, written) if source.format else unit
            return ", ".join(filter(None, (how, _signs(source, written, mapping))))
        case WeekdaySource():
            return "Monday is 1"
        case _:
            return ""


def _fitting(formats: tuple[str, ...], written: str) -> str:
    """The first format of durations that reads a text."""
    text = pl.Series([written])
    fitting = (name for name in formats if read_durations_h(text, (name,))[0] is not None)
    return next(fitting, " or ".join(formats))


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


def _time_rule(
    source: TimeSource | NumberSource, written: str, texts: Texts, mapping: Mapping
) -> str:
    """The format that fits, and whose clock it is."""
    text = pl.Series([written])
    add_years = source.add_years if isinstance(source, TimeSource) else 0
    for name in source.format:
        read = read_written(text, (name,), add_years=add_years)
        if read.moments.is_not_null().any():
            return f"{name}, a moment by itself"
        if read.clocks.is_not_null().any():
            years = f", + {add_years} years" if add_years else ""
            return f"{name}{years}, clock of {_clock(source, texts, mapping)}"
    return ""


def _clock(source: TimeSource | NumberSource, texts: Texts, mapping: Mapping) -> str:
    """Whose clock a time follows, and what said so where another thing could have."""
    clock = str(mapping.clock_of(source))
    if source.zone_column is None:
        return clock
    stated = texts.get(source.zone_column)
    return (
        f"{stated} in {source.zone_column}" if stated else f"{clock}, none in {source.zone_column}"
    )


def _expected(source: Source, mapping: Mapping) -> str:
    """What a text should have been that could not be read."""
    if not isinstance(source, NumberSource | TimeSource):
        return "not a weekday" if isinstance(source, WeekdaySource) else "not known"
    if source.format:
        return f"not a {_kind(source)} like {' or '.join(source.format)}"
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
