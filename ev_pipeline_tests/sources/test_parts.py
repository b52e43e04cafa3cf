"""What a mapping takes of columns: parts, stand-ins, differences, and the clock of one field."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.cells import part_of
from ev_pipeline.sources.mapping import parse_mapping
from ev_pipeline_tests.sources.reading import PLAIN, frame

texts = st.text(st.sampled_from("ab/|\n."), max_size=8)


@given(text=texts, mark=st.text(st.sampled_from("/|."), min_size=1, max_size=2))
def test_a_part_is_what_python_cuts_off(text: str, mark: str) -> None:
    def cut(way: str) -> str | None:
        part = part_of(pl.Series([text]), way, mark)[0]
        return None if part is None else str(part)

    assert cut("before") == text.partition(mark)[0].strip()
    head, found, tail = text.rpartition(mark)
    assert cut("before_last") == (head if found else text).strip()
    assert cut("after") == (text.partition(mark)[2].strip() if found else None)
    assert cut("after_last") == (tail.strip() if found else None)


MARKED = """
zone = "Europe/London"
missing = ["-"]

[fields]
station_id = { column = "station", before = "/" }
connector_id = { column = "station", after = "/", missing = ["none"] }
started_at = { column = "start", format = "iso" }
ended_at = { column = "end", format = "iso" }
energy_kwh = "kwh"
"""


@pytest.mark.parametrize(
    ("written", "station", "connector"),
    [
        ("S/1", "S", "1"),
        ("S", "S", None),
        ("S/", "S", None),
        ("S/none", "S", None),
        ("-/1", None, "1"),
        ("-", None, None),
    ],
)
def test_a_marker_of_no_value_is_one_in_a_part_too(
    tmp_path: Path, written: str, station: str | None, connector: str | None
) -> None:
    mapping = parse_mapping(f'name = "m"\ntitle = "M"\nrecords = "session"{MARKED}', where="m")
    read = frame(tmp_path, f"station,start,end,kwh\n{written},,,1\n".encode(), mapping)
    assert read.select("station_id", "connector_id").row(0) == (station, connector)


@pytest.mark.parametrize(
    ("stop", "start", "energy_kwh", "problem"),
    [
        ("1244.159", "1200", 44.159, None),
        ("", "1200", None, None),
        ("1244", "", None, None),
        ("1244", "x", None, "1244 - x"),
    ],
)
def test_a_difference_needs_both_readings(
    tmp_path: Path, stop: str, start: str, energy_kwh: float | None, problem: str | None
) -> None:
    mapping = parse_mapping(
        PLAIN.replace('"kwh"', '{ column = "stop", minus = "begin" }'), where="m"
    )
    read = frame(tmp_path, f"station,start,end,stop,begin\nS,,,{stop},{start}\n".encode(), mapping)
    assert read["energy_kwh"].to_list() == [energy_kwh]
    assert [found["value"] for found in read["problems"][0]] == ([problem] if problem else [])


CLOCKS = {
    "": "2026-05-04T08:12:00Z",
    ', times_in = "UTC"': "2026-05-04T08:12:00Z",
    ', times_in = "Asia/Tokyo"': "2026-05-03T23:12:00Z",
    ', zone_column = "TZ"': "2026-05-04T12:12:00Z",
    ', zone_column = "none"': "2026-05-04T07:12:00Z",
    ', zone_column = "none", times_in = "Asia/Tokyo"': "2026-05-03T23:12:00Z",
}


@pytest.mark.parametrize("said", CLOCKS)
def test_the_clock_of_a_time_is_its_rows_its_fields_the_files_or_the_stations(
    tmp_path: Path, said: str
) -> None:
    toml = PLAIN.replace('zone = "Eu', 'times_in = "UTC"\nzone = "Eu')
    start = f'{{ column = "start", format = "iso"{said} }}'
    lines = [f"started_at = {start}" if "started_at" in line else line for line in toml.split("\n")]
    content = b"station,start,end,kwh,TZ,none\nS,2026-05-04T08:12,,,America/New_York,\n"
    read = frame(tmp_path, content, parse_mapping("\n".join(lines), where="m"))
    assert read["started_at"][0] == datetime.fromisoformat(CLOCKS[said]).astimezone(UTC)


@pytest.mark.parametrize(
    "wrong",
    [
        '{ value = "x", before = "/" }',
        '{ column = "station", before = "/", after = "/" }',
        '{ column = "station", before = "" }',
        '{ value = "x", else_column = "station" }',
    ],
)
def test_parts_and_stand_ins_are_of_one_column(wrong: str) -> None:
    with pytest.raises(PipelineError, match="line 8"):
        parse_mapping(PLAIN.replace('"station"', wrong, 1), where="m")


@pytest.mark.parametrize(
    ("start", "end", "is_tied", "notes"),
    [
        (None, '{ start_plus = "h" }', True, ["end_derived"]),
        (None, '{ start_plus = "h", is_plugged_in = true }', True, []),
        ('{ end_minus = "h" }', None, True, []),
        (None, None, False, []),
    ],
)
def test_times_apart_by_a_duration_are_tied_and_a_guessed_end_is_noted(
    tmp_path: Path, *, start: str | None, end: str | None, is_tied: bool, notes: list[str]
) -> None:
    said = {"started_at": start, "ended_at": end}
    lines = [
        f"{field} = {said[field]}"
        if (field := line.split(" ")[0]) in said and said[field]
        else line
        for line in PLAIN.splitlines()
    ]
    mapping = parse_mapping("\n".join(lines), where="m")
    assert mapping.has_tied_times is is_tied
    content = b"station,start,end,kwh,h\nS,2026-05-04T08:12,2026-05-04T10:12,1,2\n"
    assert frame(tmp_path, content, mapping)["notes"].to_list() == [notes]
