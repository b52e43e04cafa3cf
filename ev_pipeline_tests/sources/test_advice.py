"""What `sources check` says of a mapping beside how records were read by it."""

import json
from pathlib import Path
from typing import Any

import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.sources.explain import FileReading, explain
from ev_pipeline.sources.mapping import parse_mapping
from ev_pipeline.sources.neighbours import Repeated
from ev_pipeline_tests.sources.reading import PLAIN, RECEIVED_AT

PATHS = (
    PLAIN.replace('"station"', '"cp.id"').replace('"kwh"', '"meter_kWh"')
    + '[file]\nformat = "jsonl"\n'
)


def told(folder: Path, toml: str, text: str | bytes, n_records: int = 3) -> FileReading:
    path = folder / "export"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    mapping = parse_mapping(toml, where="my.toml")
    return explain(path, mapping, settings=Settings(), n_records=n_records, received_at=RECEIVED_AT)


def lines(n: int = 12, **change: Any) -> str:
    record = {
        "cp": {"id": "CP-1", "sockets": ["L"]},
        "start": "2026-05-04T08:12:00Z",
        "end": "2026-05-04T10:02:00Z",
        "meter_kWh": 12.4,
    }
    return "".join(json.dumps({"no": f"X{i}", **record, **change}) + "\n" for i in range(n))


def table(*rows: str, more: str = "") -> str:
    return "\n".join([f"station,start,end,kwh{more}", *rows]) + "\n"


def test_a_path_that_no_record_has_is_refused_with_the_nearest(tmp_path: Path) -> None:
    records = lines().replace("meter_kWh", "meter_kwh")
    with pytest.raises(PipelineError, match="no record has the path 'meter_kWh'") as refused:
        told(tmp_path, PATHS, records)
    assert "(its line 11)" in str(refused.value)
    assert "it may be 'meter_kwh'" in str(refused.value)


def test_a_path_that_may_be_absent_is_only_told(tmp_path: Path) -> None:
    toml = PATHS.replace("[file]", 'user_id = "cp.ID"\n[file]')
    reading = told(tmp_path, toml, lines())
    assert reading.absent == ["cp.ID"]
    assert "No record has the path cp.ID; it may be cp.id" in reading.advice
    assert reading.not_read == ["no", "cp.sockets.0"]


@pytest.mark.parametrize(
    ("path", "mend"),
    [
        (
            "cp.sockets",
            "is a list, which the mapping plain reads (its line 12); name one place in it, such as",
        ),
        ("cp", "name one of its keys, such as cp.id"),
    ],
)
def test_a_path_to_many_values_is_told_to_name_one(tmp_path: Path, path: str, mend: str) -> None:
    toml = PATHS.replace("[file]", f'connector_id = "{path}"\n[file]')
    with pytest.raises(PipelineError) as refused:
        told(tmp_path, toml, lines())
    assert mend in f"{refused.value.what}; {refused.value.mend}"


def test_an_id_that_the_mapping_passes_over_is_told(tmp_path: Path) -> None:
    said = "no is another one in each record"
    assert any(said in sentence for sentence in told(tmp_path, PATHS, lines()).advice)
    same = told(tmp_path, PATHS, lines(no="X")).advice
    assert not any("another one in each record" in sentence for sentence in same)
    own = PATHS.replace("[file]", 'source_session_id = "no"\n[file]')
    assert not any(said in sentence for sentence in told(tmp_path, own, lines()).advice)


def test_operator_and_clock_in_force_are_told_with_who_said_so(tmp_path: Path) -> None:
    row = "CP-1,2026-05-04T08:12:00Z,2026-05-04T10:02:00Z,12.4"
    assert told(tmp_path, PLAIN, table(row)).advice == [
        "Operator: default, from EV_OPERATOR; scope in the mapping names another",
        "Clock of the stations: Europe/London, from zone",
    ]
    toml = PLAIN.replace('zone = "Europe/London"', 'scope = "mine"\ntimes_in = "Asia/Tokyo"')
    assert told(tmp_path, toml, table(row)).advice == [
        "Operator: mine, from scope",
        "Clock of the stations: UTC, from EV_TIMEZONE; times without a zone follow Asia/Tokyo",
    ]


def test_a_form_that_a_file_does_not_have_is_told(tmp_path: Path) -> None:
    toml = PLAIN + '[[variant]]\nwithout = ["kwh"]\nfields = { energy_kwh = { value = 1 } }\n'
    row = "CP-1,2026-05-04T08:12:00Z,2026-05-04T10:02:00Z,12.4"
    assert (
        "The [[variant]] without kwh was not used: the file has kwh"
        in told(tmp_path, toml, table(row)).advice
    )


def test_sessions_at_one_time_on_a_connector_are_warned_as_a_load_does(tmp_path: Path) -> None:
    rows = [
        "CP-1,04/05/2026 08:12,04/05/2026 10:02,12.4,1",
        "CP-1,04/05/2026 08:12,04/05/2026 10:02,12.4,1",
        "CP-1,04/05/2026 10:00,04/05/2026 11:00,12.4,1",
        "CP-1,04/05/2026 10:59,04/05/2026 12:00,12.4,1",
        "CP-1,04/05/2026 10:30,04/05/2026 12:00,12.4,2",
        "CP-1,04/05/2026 10:45,04/05/2026 10:40,12.4,1",
        "CP-1,04/05/2026 10:45,04/05/2026 12:40,12.4,",
    ]
    toml = PLAIN.replace("[fields]", 'resolution_s = 60\n[fields]\nconnector_id = "plug"')
    reading = told(tmp_path, toml, table(*rows, more=",plug"))
    warned = [
        line
        for line, found in zip(reading.lines, reading.findings, strict=True)
        if "overlaps_same_connector" in {each.code for each in found}
    ]
    assert warned == [4]
    assert reading.repeated == Repeated(n_same=1)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", Repeated(n_same=1, n_conflicts=2)),
        ("has_corrections = true", Repeated(n_same=1, n_versions=2)),
    ],
)
def test_repeated_records_are_told_apart(tmp_path: Path, more: str, expected: Repeated) -> None:
    span = "CP-1,2026-05-04T08:12:00Z,2026-05-04T10:02:00Z"
    text = table(*(f"{span},{kwh}" for kwh in (12, 12, 13, 14)))
    assert told(tmp_path, PLAIN.replace("[fields]", f"{more}\n[fields]"), text).repeated == expected


def test_a_newer_row_is_a_version_where_the_file_says_when_it_changed(tmp_path: Path) -> None:
    span = "CP-1,2026-05-04T08:12:00Z,2026-05-04T10:02:00Z"
    toml = PLAIN + 'updated_at = { column = "changed", format = "iso" }\n'
    rows = (f"{span},12,2026-05-05T08:00:00Z", f"{span},13,2026-05-06T08:00:00Z")
    reading = told(tmp_path, toml, table(*rows, more=",changed"))
    assert reading.repeated == Repeated(n_versions=1)


def test_a_record_is_shown_in_the_files_own_encoding(tmp_path: Path) -> None:
    text = table("Süd,2026-05-04T08:12:00Z,2026-05-04T10:02:00Z,12.4").encode("windows-1252")
    toml = PLAIN + '[file]\nencoding = "windows-1252"\n'
    assert told(tmp_path, toml, text).records[0].raw.startswith("Süd,")


UNTIL = PLAIN + 'charging_duration_h = { until = "full", format = "epoch_s" }\n'


@pytest.mark.parametrize(
    ("start", "full", "why"),
    [
        ("2026-05-04T08:12:00Z", "0", "0, which is before the start; if it means no time,"),
        ("soon", "1777882320", "1777882320, but there is no start to count from"),
        ("2026-05-04T08:12:00Z", "x", "x, not a time like epoch_s"),
    ],
)
def test_a_moment_from_which_no_duration_comes_is_told_why(
    tmp_path: Path, start: str, full: str, why: str
) -> None:
    row = f"CP-1,{start},2026-05-04T10:02:00Z,12.4,{full}"
    [record] = told(tmp_path, UNTIL, table(row, more=",full")).records
    assert why in record.fields["charging_duration_h"].why
    messages = [found.message for found in record.findings if found.field == "charging_duration_h"]
    assert all(f"is {full} (from full)" in message for message in messages)
    assert bool(messages) == (start != "soon")
