"""What a header must name, and what is said where it does not."""

import json
from pathlib import Path

import pytest

from ev_pipeline.sources.mapping import load_mapping, parse_mapping, shipped_mappings
from ev_pipeline_tests.real_data import real_file
from ev_pipeline_tests.sources.reading import (
    PLAIN_FILE,
    PLAIN_HEADER,
    PLAIN_ROW,
    batches,
    frame,
    refusal,
)

SAMPLE = Path(__file__).parents[2] / "data"


@pytest.mark.parametrize("content", [PLAIN_HEADER, PLAIN_HEADER.strip()])
def test_a_header_alone_is_no_records(tmp_path: Path, content: bytes) -> None:
    assert batches(tmp_path, content) == []


def test_a_missing_column_is_named_with_the_nearest_there_is(tmp_path: Path) -> None:
    said = refusal(tmp_path, PLAIN_FILE.replace(b"start,", b"Started,"))
    assert f"{tmp_path}/file, line 1: there is no column 'start'" in said
    assert "it may be 'Started'; check" in said


def test_a_wrong_delimiter_is_a_missing_column(tmp_path: Path) -> None:
    assert "; check delimiter" in refusal(tmp_path, PLAIN_FILE.replace(b",", b";"))


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    content = PLAIN_HEADER.replace(b"\n", b",kwh\n") + PLAIN_ROW
    assert "'kwh', which the mapping plain reads, stands twice" in refusal(tmp_path, content)


def test_other_columns_and_another_order_are_fine(tmp_path: Path) -> None:
    content = b"kwh,x,, station ,,end,start\n12.4,,,CP-1,,2026-05-04T10:02:00Z,\n"
    (row,) = frame(tmp_path, content).to_dicts()
    assert (row["station_id"], row["energy_kwh"], row["started_at"]) == ("CP-1", 12.4, None)


def first_lines(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.readline() + file.readline()


def test_sessions_do_not_pass_for_stations(tmp_path: Path) -> None:
    said = refusal(
        tmp_path, first_lines(SAMPLE / "sessions.csv"), mapping=load_mapping("canonical_stations")
    )
    assert "line 1: this is no file of canonical_stations: its header is session_id,stat" in said
    assert said.endswith("; load it by the mapping canonical")


@pytest.mark.parametrize("form", ["[%s]", "%s"], ids=["list", "lines"])
def test_sessions_in_json_do_not_pass_for_stations(tmp_path: Path, form: str) -> None:
    header, row = first_lines(SAMPLE / "sessions.csv").decode().splitlines()
    session = json.dumps(dict(zip(header.split(","), row.split(","), strict=True)))
    content = (form % session).encode()
    said = refusal(tmp_path, content, mapping=load_mapping("canonical_stations"))
    assert "no file of canonical_stations: its first record has session_id, station_id" in said
    assert said.endswith("; load it by the mapping canonical")
    assert frame(tmp_path, content, load_mapping("canonical")).height == 1


@pytest.mark.parametrize(
    ("wrong", "folder", "name", "right"),
    [
        ("perth_kinross", "dundee", "cpdata.csv", "dundee"),
        ("dundee", "perth_kinross", "sept18toaug19standardisedcorrected.csv", "perth_kinross"),
        ("dundee", "dundee", "cp-locations.csv", "dundee_stations"),
        ("dundee", "cary", "electric-vehicle-charging-stations.csv", "cary"),
        ("canonical", "boulder", "Boulder_locations.csv", "boulder_stations"),
    ],
)
def test_a_file_read_by_another_mapping_is_told_its_own(
    tmp_path: Path, wrong: str, folder: str, name: str, right: str
) -> None:
    content = first_lines(real_file(folder, name))
    said = refusal(tmp_path, content, mapping=load_mapping(wrong))
    assert "header is " in said
    assert said.endswith(f"load it by the mapping {right}")


def test_a_mapping_that_a_person_wrote_may_read_less_than_a_shipped_one(tmp_path: Path) -> None:
    own = parse_mapping(
        load_mapping("canonical_stations").text.replace("canonical_stations", "mine"), where="mine"
    )
    assert frame(tmp_path, first_lines(SAMPLE / "sessions.csv"), own).height == 1


def test_the_header_of_every_shipped_csv_mapping_is_its_own(tmp_path: Path) -> None:
    for mapping in shipped_mappings().values():
        if "csv" in mapping.file.format:
            header = mapping.file.delimiter.join(mapping.columns)
            assert batches(tmp_path, header.encode(), mapping) == []
