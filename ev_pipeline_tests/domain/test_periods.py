"""Days of any zone as stretches of UTC, against a count of hours that knows no calendar."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ev_pipeline.domain.periods import (
    MAX_DAYS,
    PeriodError,
    day_begins,
    last_days,
    read_period,
    worth_showing,
)

ZONES = [
    "UTC",
    "Europe/Lisbon",
    "Australia/Lord_Howe",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Pacific/Apia",
]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "zone", "since", "hours"),
    [
        ("2024-05-06", "UTC", "2024-05-06T00:00", 24),
        ("2024-03-31", "Europe/Lisbon", "2024-03-31T00:00", 23),
        ("2024-10-27", "Europe/Lisbon", "2024-10-26T23:00", 25),
        ("2024-03-10", "America/New_York", "2024-03-10T05:00", 23),
        ("2024-11-03", "America/New_York", "2024-11-03T04:00", 25),
        ("2024-04-07", "Australia/Lord_Howe", "2024-04-06T13:00", 24.5),
        ("2024-10-06", "Australia/Lord_Howe", "2024-10-05T13:30", 23.5),
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00", 23),  # there is no midnight
        ("2024-11-03", "America/Havana", "2024-11-03T04:00", 25),  # there are two
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00", 0),  # the day was left out
    ],
)
def test_a_day_is_as_long_as_its_clocks_say(day: str, zone: str, since: str, hours: float) -> None:
    period = read_period(day, day, ZoneInfo(zone))
    assert period.since == utc(since)
    assert period.duration_s == hours * 3600
    assert period.days() == [date.fromisoformat(day)]


@settings(deadline=None)
@given(
    first=st.dates(date(2010, 1, 1), date(2037, 12, 31)),
    length=st.integers(0, 20),
    zone=st.sampled_from(ZONES),
    offset_s=st.integers(-30 * 3600, 30 * 3600),
)
def test_a_moment_is_within_a_period_if_its_local_day_is(
    first: date, length: int, zone: str, offset_s: int
) -> None:
    last = first + timedelta(days=length)
    period = read_period(first.isoformat(), last.isoformat(), ZoneInfo(zone))
    for edge in (period.since, period.until):
        moment = edge + timedelta(seconds=offset_s)
        local = moment.astimezone(ZoneInfo(zone)).date()
        assert (period.since <= moment < period.until) == (first <= local <= last)


def test_days_of_a_zone_lie_side_by_side() -> None:
    for name in ZONES:
        zone = ZoneInfo(name)
        year = read_period("2011-01-01", "2011-12-31", zone)
        edges = [day_begins(day, zone) for day in [*year.days(), date(2012, 1, 1)]]
        assert edges == sorted(edges)
        assert (edges[0], edges[-1]) == (year.since, year.until)
        assert len(year.days()) == 365


def test_the_last_days_end_with_the_day_named() -> None:
    period = last_days(date(2024, 3, 1), 30, ZoneInfo("UTC"))
    assert (period.first_day, period.last_day) == (date(2024, 2, 1), date(2024, 3, 1))
    assert len(period.days()) == 30


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        (None, "2018-01-01", "missing_date"),
        ("2018-01-01", "", "missing_date"),
        ("2018-02-30", "2018-03-01", "bad_date"),
        ("2018-01-01", "31/03/2018", "bad_date"),
        ("2018-01-01", "2018-1-2", "bad_date"),
        ("20180101", "2018-01-02", "bad_date"),
        ("\uff12018-01-01", "2018-01-02", "bad_date"),
        (20180101, "2018-01-02", "bad_date"),
        (["2018-01-01"], "2018-01-02", "bad_date"),
        ("2018-01-01T00:00", "2018-01-02", "bad_date"),
        ("0001-01-01", "0001-01-02", "out_of_range"),
        ("2018-01-01", "9999-12-31", "out_of_range"),
        ("2018-03-31", "2018-01-01", "wrong_order"),
        ("2000-01-01", "2049-01-01", "too_long"),
    ],
)
def test_what_is_no_period_is_refused_by_name(first: object, last: object, code: str) -> None:
    with pytest.raises(PeriodError) as caught:
        read_period(first, last, ZoneInfo("UTC"))
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


def test_forty_years_are_the_longest_period() -> None:
    last = date(2010, 1, 1) + timedelta(days=MAX_DAYS - 1)
    assert len(read_period("2010-01-01", last.isoformat(), ZoneInfo("UTC")).days()) == MAX_DAYS
    with pytest.raises(PeriodError):
        read_period("2009-12-31", last.isoformat(), ZoneInfo("UTC"))


def test_a_long_stretch_without_sessions_is_left_out_and_a_short_one_is_not() -> None:
    old, new = [date(2025, 11, 1), date(2025, 11, 29)], [date(2026, 11, 29), date(2026, 11, 30)]
    november = [date(2025, 11, number) for number in range(1, 30)]
    assert worth_showing([*old, *new], 365) == november + new


def test_as_many_days_are_shown_as_are_asked_for_and_a_month_at_least() -> None:
    busy = [date(2025, 1, 1) + timedelta(days=2 * number) for number in range(300)]
    assert worth_showing(busy, 84) == [busy[-1] - timedelta(days=n) for n in range(83, -1, -1)]
    assert len(worth_showing(busy[:1], 365)) == 28
    assert worth_showing(busy[:1], 365)[-1] == busy[0]
