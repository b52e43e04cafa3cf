"""Ends that are only a clock: the first time from the start on at which it shows that."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.decode import to_canonical
from ev_pipeline.sources.mapping import Mapping, parse_mapping
from ev_pipeline_tests.sources.reading import RECEIVED_AT, codes, frame

LONDON = ZoneInfo("Europe/London")

CLOCKS = """
name = "clocks"
title = "Ends without a date"
records = "session"
zone = "Europe/London"

[fields]
station_id = "station"
started_at = { column = "start", format = ["iso", "dd/mm/yyyy HH:MM:SS"] }
ended_at = { clock_after_start = "until", format = ["HH:MM", "HH'h'MM"] }
energy_kwh = "kwh"
"""


def mapping(*changes: tuple[str, str]) -> Mapping:
    toml = CLOCKS
    for right, other in changes:
        assert right in toml
        toml = toml.replace(right, other)
    return parse_mapping(toml, where="clocks.toml")


def ended(folder: Path, start: str, until: str, used: Mapping | None = None) -> dict[str, Any]:
    content = f"station,start,until,kwh,tz\nCP-1,{start},{until},12.4,-07:00\n"
    return frame(folder, content.encode(), used or mapping()).to_dicts()[0]


@pytest.mark.parametrize(
    ("start", "until", "end"),
    [
        ("2026-05-04T08:12:00", "10:02", "2026-05-04T09:02:00+00:00"),
        ("2026-05-04T22:12:00", "7h02", "2026-05-05T06:02:00+00:00"),
        ("2026-05-04T22:12:00Z", "23:11", "2026-05-05T22:11:00+00:00"),
        ("31/12/2026 23:00:00", "00:30", "2027-01-01T00:30:00+00:00"),
    ],
    ids=["same day", "next day", "start with an offset", "next year"],
)
def test_the_end_is_the_first_such_clock(tmp_path: Path, start: str, until: str, end: str) -> None:
    assert ended(tmp_path, start, until)["ended_at"] == datetime.fromisoformat(end)


def test_a_clock_without_seconds_in_the_starts_own_minute_is_no_day(tmp_path: Path) -> None:
    row = ended(tmp_path, "04/05/2026 08:12:30", "08:12")
    assert row["ended_at"] == datetime(2026, 5, 4, 7, 12, tzinfo=UTC)
    with_seconds = mapping(('["HH:MM", "HH\'h\'MM"]', '"HH:MM:SS"'))
    row = ended(tmp_path, "04/05/2026 08:12:30", "08:12:29", with_seconds)
    assert row["ended_at"] == datetime(2026, 5, 5, 7, 12, 29, tzinfo=UTC)


def test_in_the_hour_that_exists_twice_the_second_one_may_end_the_session(tmp_path: Path) -> None:
    row = ended(tmp_path, "25/10/2026 01:30:00", "01:10")
    assert row["ended_at"] - row["started_at"] == timedelta(minutes=40)


def test_the_clock_is_on_the_starts_own_zone(tmp_path: Path) -> None:
    zoned = mapping(('HH:MM:SS"]', 'HH:MM:SS"], zone_column = "tz"'))
    row = ended(tmp_path, "04/05/2026 22:12:00", "07:02", zoned)
    assert row["ended_at"] == datetime(2026, 5, 5, 14, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "until", "problems"),
    [
        ("", "10:02", []),
        ("soon", "10:02", ["bad_value"]),
        ("2026-05-04T08:12:00", "24:99", ["bad_value"]),
        ("2026-05-04T08:12:00", "", []),
    ],
    ids=["no start", "unreadable start", "unreadable clock", "no clock"],
)
def test_without_start_or_clock_there_is_no_end(
    tmp_path: Path, start: str, until: str, problems: list[str]
) -> None:
    row = ended(tmp_path, start, until)
    assert (row["ended_at"], codes(row)) == (None, problems)


@given(
    start=st.datetimes(datetime(2020, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - a clock
    length=st.timedeltas(timedelta(0), timedelta(hours=22)),
)
def test_any_session_shorter_than_a_day_has_its_end_again(
    start: datetime, length: timedelta
) -> None:
    started_at = start.replace(second=0, microsecond=0, tzinfo=UTC)
    ended_at = started_at + timedelta(minutes=length // timedelta(minutes=1))
    raw = pl.DataFrame(
        {
            "start": [started_at.isoformat()],
            "until": [f"{ended_at.astimezone(LONDON):%H:%M}"],
            "station": ["CP-1"],
            "kwh": ["12.4"],
        }
    )
    read = to_canonical(raw, mapping(), received_at=RECEIVED_AT).to_dicts()[0]
    is_twice = (
        ended_at.astimezone(LONDON).replace(fold=1).utcoffset()
        != ended_at.astimezone(LONDON).replace(fold=0).utcoffset()
    )
    assert read["ended_at"] == ended_at or (is_twice and ended_at in _readings(read))


def _readings(row: dict[str, Any]) -> list[datetime | None]:
    return [row["ended_at"], row["ended_later_at"]]


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('["HH:MM", "HH\'h\'MM"]', '"dd/mm/yyyy HH:MM"', "is not one of a clock alone"),
        ('["HH:MM", "HH\'h\'MM"]', '"HHhMM"', "write an h that stands in the time itself"),
        ('until", format', 'until", add_years = 2000, format', "the start's date and zone"),
        ('zone = "Europe/London"\n', "", "the times of ended_at carry no offset"),
        (
            'column = "start", format = ["iso", "dd/mm/yyyy HH:MM:SS"]',
            'end_minus = "hours"',
            "cannot each follow from the other",
        ),
        ("ended_at = { clock", 'energy_kwh = "x"\nupdated_at = { clock', "does not say where"),
    ],
)
def test_a_clock_that_cannot_end_a_session_is_refused(right: str, wrong: str, told: str) -> None:
    changes = [(right, wrong)]
    if wrong == "":
        changes.append(('["iso", "dd/mm/yyyy HH:MM:SS"]', '"iso"'))
    if "energy" in wrong:
        changes.append(('energy_kwh = "kwh"\n', ""))
    with pytest.raises(PipelineError) as refused:
        mapping(*changes)
    assert told in str(refused.value)
