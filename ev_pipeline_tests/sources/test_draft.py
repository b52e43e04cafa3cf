"""What `sources draft` finds out about a file as a whole: its kind, its frame, what is no file."""

import gzip
import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.draft.draft import draft_mapping
from ev_pipeline.sources.mapping import parse_mapping
from ev_pipeline_tests.sources.drafting import drafted, rows, said


def test_encoding_byte_order_mark_and_decimal_sign_are_found(tmp_path: Path) -> None:
    text = rows("Säule;Start;Ende;kWh", "Süd;04.05.2026 08:12;04.05.2026 10:02;12,{i}")
    _, old = drafted(tmp_path, text.encode("windows-1252"))
    assert (old.file.encoding, old.file.delimiter, old.file.decimal) == ("windows-1252", ";", ",")
    toml, marked = drafted(tmp_path, text.encode("utf-8-sig"))
    assert marked.file.encoding == "utf-8"
    assert "byte order mark" in toml
    assert drafted(tmp_path, text.encode("utf-16"))[1].file.encoding == "utf-16"
    packed = drafted(tmp_path, gzip.compress(text.encode()), name="export.csv.gz")
    assert said(packed[1])["station_id"] == {"column": "Säule"}


@pytest.mark.parametrize("pad", ["", ";;;"])
def test_a_title_above_and_totals_below_are_found(tmp_path: Path, pad: str) -> None:
    table = rows("Station;Start;End;kWh", "A;2026-05-{d} 08:12;2026-05-{d} 10:02;1{i},5")
    text = f"Charging report{pad}\n\nPrinted on 04.05.2026{pad}\n{table}Total;;;123,4\n"
    toml, mapping = drafted(tmp_path, text)
    assert (mapping.file.skip_lines, mapping.file.skip_lines_starting) == (3, ("Total;",))
    assert said(mapping)["energy_kwh"] == {"column": "kWh"}
    assert "drafted from 40 records" in toml


def test_only_the_first_columns_of_a_very_wide_file_are_looked_at(tmp_path: Path) -> None:
    names = [f"Reading {i}" for i in range(3000)]
    header = ",".join(["Station", "Start", "End", "kWh", *names])
    line = ",".join(["A", "2026-05-{d} 08:12", "2026-05-{d} 10:02", "1.5", *["7"] * 3000])
    toml, mapping = drafted(tmp_path, rows(header, line, n=9))
    assert said(mapping)["energy_kwh"] == {"column": "kWh"}
    assert "# Only the first 300 of its 3004 columns were looked at." in toml


def test_a_registry_is_told_from_sessions(tmp_path: Path) -> None:
    text = rows(
        "Ladepunkt;Standort;Breitengrad;Längengrad;Leistung (W)", "E{i};Markt;51,2;6,8;22000"
    )
    _, mapping = drafted(tmp_path, text)
    assert mapping.records == "station"
    assert said(mapping)["power_kw"] == {"column": "Leistung (W)", "unit": "W"}
    assert drafted(tmp_path, rows("Site,Lat,Lon", "S{i},56.1,-3.1"))[1].records == "site"


def test_paths_and_the_list_of_a_json_document_are_found(tmp_path: Path) -> None:
    records = [
        {"point": {"id": f"CP-{i}"}, "start": 1777882320 + i, "end": 1777888920, "wh": 12400 + i}
        for i in range(30)
    ]
    document = json.dumps({"meta": {"n": 1}, "data": {"sessions": records}})
    _, mapping = drafted(tmp_path, document, name="export.json")
    assert (mapping.file.format, mapping.file.list_at) == (("json",), "data.sessions")
    assert said(mapping) == {
        "station_id": {"column": "point.id"},
        "started_at": {"column": "start", "format": ("epoch_s",)},
        "ended_at": {"column": "end", "format": ("epoch_s",)},
        "energy_kwh": {"column": "wh", "unit": "Wh"},
    }
    lines = "".join(json.dumps(record) + "\n" for record in records)
    assert drafted(tmp_path, lines, name="export.jsonl")[1].file.format == ("jsonl",)
    assert drafted(tmp_path, json.dumps(records), name="export.json")[1].file.list_at is None


def test_what_no_column_looks_like_is_left_open(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("a,b\n1,2\n")
    toml = draft_mapping(path)
    assert toml.count("CHECK: no column looks like it") == 4
    assert tomllib.loads(toml)["fields"] == {}
    with pytest.raises(PipelineError, match=r"where station_id, .* come from; which column"):
        parse_mapping(toml, where="draft.toml")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("1,2,3\n4,5,6\n", "not the names of columns"),
        ("[1, 2]", "no JSON object"),
        ('{"a":' * 2000 + "1" + "}" * 2000, "no JSON object"),
        ("Station\0,kWh\n", "not a text file"),
        ("a,a\n1,2\n", "no column has a name of its own"),
    ],
)
def test_a_file_without_names_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(PipelineError, match=reason):
        drafted(tmp_path, text)


def test_what_is_behind_a_row_without_end_is_left_out(tmp_path: Path) -> None:
    text = rows("Station;Start;End;kWh", "A;2026-05-{d} 08:12;2026-05-{d} 10:02;12.4")
    _, mapping = drafted(tmp_path, text + "x" * 2_000_000)
    assert said(mapping)["energy_kwh"] == {"column": "kWh"}


def test_a_header_that_begins_with_a_bracket_is_no_json(tmp_path: Path) -> None:
    text = rows("[Site] Station,Start,End,kWh", "A,2026-05-{d} 08:12,2026-05-{d} 10:02,12.4")
    assert drafted(tmp_path, text)[1].file.format == ("csv",)


@given(
    header=st.lists(st.text(max_size=12), min_size=1, max_size=5),
    cells=st.lists(st.text(max_size=12), min_size=1, max_size=20),
)
def test_whatever_is_in_a_file_its_draft_is_toml_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, header: list[str], cells: list[str]
) -> None:
    text = ",".join(header) + "\n" + "\n".join(cells)
    path = tmp_path_factory.getbasetemp() / "export.csv"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        tomllib.loads(draft_mapping(path))
    except PipelineError as error:
        assert "\n" not in str(error)  # noqa: PT017 - one line, or a mapping
