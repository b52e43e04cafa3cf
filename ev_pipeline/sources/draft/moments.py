"""How a column of texts writes times: the first format that reads nearly all of them.

What lives here: the formats that are tried, and telling day from month.
What does not: reading (`sources.times`), what a time means (`choice`).
"""

from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from ev_pipeline.sources.cells import where
from ev_pipeline.sources.timeformats import STANDARD_FORMATS, names_months
from ev_pipeline.sources.times import read_written

_READ_SHARE: Final = 0.9
"""So much of a column must be read by its format; the rest is a marker, or a fault."""

_TRIED_TEXTS: Final = 40
"""So many texts rule most formats out."""

_YEARS: Final = (2000, 2100)
"""Years in which cars are charged."""

_CENTURY: Final = 100
"""Years below it lack their 2000."""

_EPOCH_YEARS: Final = (1969, 1970)
"""Years of a time that is 0 somewhere."""

_CLEARER: Final = 4
"""So much shorter must the time be that one order of day and month spans than the other."""

_US_PER_DAY: Final = 86_400_000_000
"""µs in a day."""

_CLOCKS: Final = (
    *("HH:MM", "HH:MM:SS", "HH:MM:SS.f", "hh:MM AM", "hh:MM:SS AM", "hh:MMAM"),
    *("HH'h'MM", "HH 'h' MM", "HH:MM 'Uhr'"),
)
_ORDERS: Final = (
    *("dd{0}mm{0}yy", "dd{0}mm{0}yyyy", "yyyy{0}mm{0}dd"),
    *("dd{0}mon{0}yy", "dd{0}mon{0}yyyy", "mon{0}dd{0}yyyy"),
)
_MONTH_FIRST: Final = ("mm{0}dd{0}yy", "mm{0}dd{0}yyyy")
"""Nobody writes it with points between."""

_DATES: Final = (
    *(order.format(mark) for mark in "/.- " for order in _ORDERS),
    *(order.format(mark) for mark in "/-" for order in _MONTH_FIRST),
    *("dd. mon yyyy", "yyyymmdd"),
)
_JOINTS: Final = (" ", "T", ", ")


@dataclass(frozen=True, slots=True)
class Moments:
    """How a column writes times.

    Args:
        format: in the letters of a mapping; of a date or a clock alone where it has no other part.
        why: what told day from month, where both orders read the texts; else empty.
        is_sure: whether something did.
        has_offset: whether the texts carry an offset, or are counted in UTC.
        has_seconds: whether any second is not 0.
        add_years: what the years lack.
        unread: texts that the format does not read.
        at_epoch: texts of 1970: no time, but a sign of none.
        first: the earliest time.
    """

    format: str
    why: str
    is_sure: bool
    has_offset: bool
    has_seconds: bool
    add_years: int
    unread: tuple[str, ...]
    at_epoch: tuple[str, ...]


def full_moments(texts: pl.Series) -> Moments | None:
    """How the texts write date and clock together; null if they do not."""
    joined = [f"{date}{joint}{clock}" for joint in _JOINTS for date in _DATES for clock in _CLOCKS]
    return _told(texts, [*STANDARD_FORMATS, *joined])


def date_moments(texts: pl.Series) -> Moments | None:
    """How the texts write dates without a clock; null if they do not."""
    told = _told(texts + " 00:00", [f"{date} HH:MM" for date in _DATES])
    return told and replace(
        told,
        format=told.format.removesuffix(" HH:MM"),
        unread=tuple(text.removesuffix(" 00:00") for text in told.unread),
        at_epoch=(),
    )


def clock_moments(texts: pl.Series) -> Moments | None:
    """How the texts write clock times without a date; null if they do not."""
    told = _told("2020-01-01 " + texts, [f"yyyy-mm-dd {clock}" for clock in _CLOCKS])
    return told and replace(
        told,
        format=told.format.removeprefix("yyyy-mm-dd "),
        unread=tuple(text.removeprefix("2020-01-01 ") for text in told.unread),
    )


def _told(texts: pl.Series, formats: list[str]) -> Moments | None:
    present = texts.drop_nulls().unique(maintain_order=True)
    if present.is_empty():
        return None
    first = present.head(_TRIED_TEXTS)
    fitting = [name for name in formats if _may_fit(name, first[0]) and _share(first, name)]
    shares = {name: share for name in fitting if (share := _share(present, name))}
    if not shares:
        return None
    best = max(shares, key=lambda name: shares[name])
    other = _other_order(best)
    why, is_sure = "", True
    if other in shares:
        best, why, is_sure = _day_from_month(present, best, other, shares)
    return _moments(present, best, why=why, is_sure=is_sure)


def _may_fit(name: str, text: str) -> bool:
    """A quick look: marks and letters that the format must have."""
    if name in STANDARD_FORMATS:
        return True
    is_half_day = text[-1:] in "mM"
    marks = {mark for mark in "/.- T,:h" if mark in name.replace(".f", "").replace("hh", "")}
    is_named = any(map(str.isalpha, text)) or not names_months(name)
    return is_half_day == name.endswith("AM") and is_named and all(mark in text for mark in marks)


def _clocks(texts: pl.Series, name: str) -> pl.Series:
    """The times as naive clock times; null where unread."""
    read = read_written(texts, (name,), add_years=0)
    return read.clocks.zip_with(read.clocks.is_not_null(), read.moments.dt.replace_time_zone(None))


def _share(texts: pl.Series, name: str) -> float:
    """The share of texts that are read as a believable time; 0 where it is too small."""
    years = _clocks(texts, name).dt.year()
    is_sound = years.is_between(*_YEARS) | (years < _CENTURY)
    is_epoch = years.is_in([*_EPOCH_YEARS])
    share = float((is_sound | is_epoch).sum()) / len(texts)
    return share if share >= _READ_SHARE and is_sound.any() else 0.0


def _other_order(name: str) -> str:
    """The format with day and month exchanged."""
    for mark in "/-":
        day, month = f"dd{mark}mm{mark}", f"mm{mark}dd{mark}"
        if day in name:
            return name.replace(day, month)
        if month in name:
            return name.replace(month, day)
    return name


def _day_from_month(
    texts: pl.Series, one: str, other: str, shares: dict[str, float]
) -> tuple[str, str, bool]:
    """The order of day and month, what decided, and whether anything did."""
    if one == other:
        return one, "", True
    if shares[one] != shares[other]:
        better = max(one, other, key=lambda name: shares[name])
        return better, "some days are above 12", True
    spans = {name: _span_days(texts, name) for name in (one, other)}
    short, long = sorted(spans, key=lambda name: spans[name])
    if spans[short] and spans[long] >= _CLEARER * spans[short]:
        why = f"day and month: so the times span {spans[short]:.0f} days, else {spans[long]:.0f}"
        return short, why, True
    day_first = next(name for name in (one, other) if name.startswith("dd"))
    return day_first, f"or {_other_order(day_first)}? no day is above 12", False


def _span_days(texts: pl.Series, name: str) -> float:
    clocks = _clocks(texts, name)
    sound = where(clocks.dt.year().is_between(*_YEARS), clocks).drop_nulls()
    if sound.is_empty():
        return 0.0
    counted_us = sound.to_physical().to_numpy()
    return float(counted_us.max() - counted_us.min()) / _US_PER_DAY


def _moments(texts: pl.Series, name: str, *, why: str, is_sure: bool) -> Moments:
    read = read_written(texts, (name,), add_years=0)
    clocks = _clocks(texts, name)
    years = clocks.dt.year()
    sound = years.drop_nulls()
    is_epoch = years.is_in([*_EPOCH_YEARS]).fill_null(value=False)
    return Moments(
        format=name,
        why=why,
        is_sure=is_sure,
        has_offset=bool(read.moments.is_not_null().any()),
        has_seconds=bool((clocks.drop_nulls().dt.second() != 0).any()),
        add_years=2000 if (sound < _CENTURY).any() else 0,
        unread=tuple(texts.filter(clocks.is_null())),
        at_epoch=tuple(texts.filter(is_epoch)),
    )
