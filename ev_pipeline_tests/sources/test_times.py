# ruff: noqa: DTZ001 - readings of clocks, which know no zone, are what is tested
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ev_pipeline.sources.durations import check_duration_format, read_durations_h
from ev_pipeline.sources.times import read_written, to_moments
from ev_pipeline.sources.zones import known_zones, offset_us

ZONES = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]

CHANGES = [
    datetime(2018, 3, 25, 1),
    datetime(2018, 10, 28, 1),
    datetime(2018, 3, 11, 7),
    datetime(2018, 11, 4, 6),
    datetime(2024, 4, 6, 15),
    datetime(2024, 10, 5, 15, 30),
]
"""Moments in UTC at which the clocks of these zones are changed."""

anytime = st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1))
near_a_change = st.builds(
    lambda change, minutes: change + timedelta(minutes=minutes),
    st.sampled_from(CHANGES),
    st.integers(-180, 180),
)
moments = st.one_of(near_a_change, anytime).map(lambda moment: moment.replace(tzinfo=UTC))


def read(text: str, *formats: str, zone: str | None = None, add_years: int = 0) -> datetime | None:
    written = read_written(pl.Series([text], dtype=pl.String), formats, add_years=add_years)
    value = to_moments(written, zone=zone).earlier[0]
    assert value is None or isinstance(value, datetime)
    return value


@given(moments, st.sampled_from(ZONES))
def test_a_clock_time_is_one_of_the_moments_that_show_it(moment: datetime, zone: str) -> None:
    clock = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None, second=0, microsecond=0)
    written = read_written(
        pl.Series([f"{clock:%d/%m/%Y %H:%M}"]), ("dd/mm/yyyy HH:MM",), add_years=0
    )
    readings = to_moments(written, zone=zone)
    both = sorted({clock.replace(tzinfo=ZoneInfo(zone), fold=f).astimezone(UTC) for f in (0, 1)})
    assert readings.earlier[0] == both[0]
    assert readings.later[0] == (both[1] if len(both) == 2 else None)


@given(moments, st.sampled_from(ZONES), st.integers(-60, 60))
def test_a_time_that_does_not_exist_moves_on_by_the_gap(
    moment: datetime, zone: str, minutes: int
) -> None:
    shown = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    clock = shown + timedelta(minutes=minutes)
    written = read_written(pl.Series([clock.isoformat()]), ("iso",), add_years=0)
    earlier = to_moments(written, zone=zone).earlier[0]
    assert earlier == clock.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def test_the_missing_half_hour_of_lord_howe_is_moved_on_by_half_an_hour() -> None:
    moment = read("2024-10-06T02:10", "iso", zone="Australia/Lord_Howe")
    assert moment is not None
    local = moment.astimezone(ZoneInfo("Australia/Lord_Howe"))
    assert local.replace(tzinfo=None) == datetime(2024, 10, 6, 2, 40)


@given(moments, st.integers(-14 * 60, 14 * 60))
def test_an_iso_time_is_the_moment_that_its_offset_says(moment: datetime, minutes: int) -> None:
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    local = (moment + timedelta(minutes=minutes)).replace(tzinfo=None)
    text = f"{local.isoformat()}{sign}{hours:02}:{rest:02}"
    assert read(text, "iso", zone="Asia/Kolkata") == moment


@pytest.mark.parametrize(
    ("text", "formats", "expected"),
    [
        ("2026-05-04T08:12:00Z", ("iso",), datetime(2026, 5, 4, 8, 12)),
        ("2026-05-04 08:12", ("iso",), datetime(2026, 5, 4, 8, 12)),
        ("2026-05-04t08:12:00.25+0100", ("iso",), datetime(2026, 5, 4, 7, 12, 0, 250_000)),
        ("2026-05-04T08:12+01", ("iso",), datetime(2026, 5, 4, 7, 12)),
        ("Wed, 25 Apr 2018 11:08:04 GMT", ("rfc1123",), datetime(2018, 4, 25, 11, 8, 4)),
        ("1524654484", ("epoch_s",), datetime(2018, 4, 25, 11, 8, 4)),
        ("1524654484.5", ("epoch_s",), datetime(2018, 4, 25, 11, 8, 4, 500_000)),
        ("1524654484000", ("epoch_ms",), datetime(2018, 4, 25, 11, 8, 4)),
        ("4/5/26 8:12", ("dd/mm/yy HH:MM",), datetime(2026, 5, 4, 8, 12)),
        ("05/04/2026 08:12 PM", ("mm/dd/yyyy hh:MM AM",), datetime(2026, 5, 4, 20, 12)),
        ("04-May-2026 08:12:30", ("iso", "dd-mon-yyyy HH:MM:SS"), datetime(2026, 5, 4, 8, 12, 30)),
        ("31/02/2026 08:12", ("dd/mm/yyyy HH:MM",), None),
        ("04/05/2026 24:00", ("dd/mm/yyyy HH:MM",), None),
        ("04/05/2026 08:12 x", ("dd/mm/yyyy HH:MM",), None),
        ("nan", ("epoch_s",), None),
        ("1e300", ("epoch_ms",), None),
        ("99999-05-04T08:12:00Z", ("iso",), None),
        ("0000-05-04T08:12:00Z", ("iso",), None),
    ],
)
def test_a_time_is_read_as_its_format_says(
    text: str, formats: tuple[str, ...], expected: datetime | None
) -> None:
    moment = read(text, *formats, zone="UTC")
    assert moment == (None if expected is None else expected.replace(tzinfo=UTC))


def test_a_leap_day_of_the_year_16_is_one_of_2016() -> None:
    moment = read("0016-02-29 10:00:00", "yyyy-mm-dd HH:MM:SS", zone="UTC", add_years=2000)
    assert moment == datetime(2016, 2, 29, 10, tzinfo=UTC)


def test_a_clock_time_without_a_zone_is_no_moment() -> None:
    assert read("2026-05-04T08:12", "iso", zone=None) is None


def test_every_zone_that_a_mapping_may_name_can_be_read() -> None:
    written = read_written(pl.Series(["2026-05-04T08:12"]), ("iso",), add_years=0)
    for zone in known_zones():
        assert to_moments(written, zone=zone).earlier[0] is not None


@given(st.integers(0, 900), st.integers(0, 59), st.integers(0, 59))
def test_a_duration_is_its_hours_minutes_and_seconds(
    hours: int, minutes: int, seconds: int
) -> None:
    texts = pl.Series([f"{hours}:{minutes:02}:{seconds:02}"])
    expected = timedelta(hours=hours, minutes=minutes, seconds=seconds) / timedelta(hours=1)
    assert read_durations_h(texts, ("h:mm:ss",))[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("text", ["1:60:00", "-1:00:00", "1:00", "1:2:3:4", "", "a:bb:cc"])
def test_what_is_no_duration_is_not_read_as_one(text: str) -> None:
    assert read_durations_h(pl.Series([text]), ("h:mm:ss",))[0] is None


@pytest.mark.parametrize(("text", "hours"), [("-07:00", -7.0), ("+05:30", 5.5), ("07:00", None)])
def test_an_offset_has_a_sign(text: str, hours: float | None) -> None:
    assert offset_us(text) == (None if hours is None else hours * 3.6e9)


@pytest.mark.parametrize(
    "texts",
    [
        "15 janvier 2026|15. Jänner 2026|15 enero 2026|15 gen 2026|15 januari 2026|15 JAN. 2026",
        "15 févr. 2026|15 Feb 2026|15 fevereiro 2026|15 febbraio 2026",
        "15 mars 2026|15. März 2026|15. Mrz 2026|15 marzo 2026|15 março 2026|15 mrt 2026",
        "15 avr. 2026|15 abril 2026|15 aprile 2026",
        "15 mai 2026|15 mayo 2026|15 maio 2026|15 maggio 2026|15 mei 2026",
        "15 juin 2026|15 giugno 2026|15 junho 2026",
        "15 juillet 2026|15 luglio 2026|15 julio 2026",
        "15 août 2026|15 agosto 2026|15 ago 2026|15 augustus 2026",
        "15 sept. 2026|15 settembre 2026|15 set 2026",
        "15 Okt 2026|15 out 2026|15 ottobre 2026|15 octobre 2026",
        "15 noviembre 2026|15 novembro 2026",
        "15. Dez. 2026|15 déc. 2026|15 dicembre 2026|15 diciembre 2026",
    ],
)
def test_names_of_months_are_read_in_the_languages_of_operators(texts: str) -> None:
    formats = ("dd mon yyyy HH:MM", "dd. mon. yyyy HH:MM")
    read_at = {read(f"{text} 08:12", *formats, zone="UTC") for text in texts.split("|")}
    assert len(read_at) == 1
    assert None not in read_at


def test_words_around_a_months_name_are_those_of_the_format() -> None:
    wanted = datetime(2026, 5, 4, 8, 12, tzinfo=UTC)
    spanish = "dd 'de' mon 'de' yyyy HH:MM"
    assert read("4 de mayo de 2026 08:12", spanish, zone="UTC") == wanted
    assert read("4. Mai 2026, 8:12 Uhr", "dd. mon yyyy, HH:MM 'Uhr'", zone="UTC") == wanted
    assert read("4/5/2026 8h12 100%", "dd/mm/yyyy HH'h'MM '100%'", zone="UTC") == wanted
    assert read("4 foo 2026 08:12", "dd mon yyyy HH:MM", zone="UTC") is None


@pytest.mark.parametrize(
    ("text", "duration_format", "hours"),
    [
        ("2h 39m 36s", "h'h' mm'm' ss's'", 2.66),
        ("2h39m36s", "h'h' mm'm' ss's'", 2.66),
        ("45 min", "mm 'min'", 0.75),
        ("90 min", "mm 'min'", 1.5),
        ("1.06:30:00", "d.hh:mm:ss", 30.5),
        ("PT1H30M", "'PT'h'H'mm'M'", 1.5),
        ("1h 75m", "h'h' mm'm'", None),
        ("1h", "h'h' mm'm'", None),
    ],
)
def test_durations_are_read_with_the_text_that_stands_in_them(
    text: str, duration_format: str, hours: float | None
) -> None:
    assert read_durations_h(pl.Series([text]), (duration_format,))[0] == pytest.approx(hours)


@pytest.mark.parametrize("wrong", ["", "hh h", "mm:h", "h'h", "HH:MM", "'h'"])
def test_what_is_no_format_of_a_duration_is_refused_with_those_that_are(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"as in h:mm:ss or .* or h'h' mm'm' ss's'"):
        check_duration_format(wrong)
