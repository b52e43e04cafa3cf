"""What `sources check` shows of a file, of its sums, and of a mapping that is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline_tests.sources.reading import PLAIN, PLAIN_HEADER, PLAIN_ROW


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ev_pipeline.cli.main", "sources", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "80"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def written(folder: Path, *, mapping: str = PLAIN) -> tuple[Path, Path]:
    mapping_path, path = folder / "plain.toml", folder / "plain.csv"
    mapping_path.write_text(mapping)
    rows = b"CP-1,2026-05-04T08:12:00Z,2026-05-04T10:02:00Z,a lot\nCP-2,2019-10-27T00:30,,\nCP-3\n"
    path.write_bytes(PLAIN_HEADER + PLAIN_ROW + rows)
    return mapping_path, path


def test_sources_lists_what_is_shipped() -> None:
    listed = json.loads(run("--json").stdout)
    assert {"name": "perth_kinross_stations", "records": "site"}.items() <= listed[-1].items()
    assert "dundee_stations" in run().stdout


def test_json_before_the_command_is_refused(tmp_path: Path) -> None:
    done = run("--json", "check", *written(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "sources check --json" in " ".join(done.stderr.replace("│", " ").split())


def test_check_says_what_each_field_became_and_what_would_be_refused(tmp_path: Path) -> None:
    done = run("check", *written(tmp_path), "--rows", "4", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    records = json.loads(done.stdout)["records"]
    assert [record["outcome"] for record in records] == ["stored", *["quarantined"] * 3]
    assert [record["line"] for record in records] == [2, 3, 4, 5]
    assert records[0]["fields"]["energy_kwh"] == {
        "value": 12.4,
        "from": "kwh",
        "text": "12.4",
        "why": "kwh: 12.4",
    }
    assert records[1]["fields"]["energy_kwh"] == {
        "value": None,
        "from": "kwh",
        "text": "a lot",
        "why": "kwh: a lot, not a number with the decimal sign .",
    }
    assert records[3]["fields"] == {}
    reasons = [[error["code"] for error in record["errors"]] for record in records]
    assert reasons[:2] == [[], ["bad_value"]]
    assert reasons[2:] == [["not_finished"], ["malformed"]]
    assert all(error["message"] for record in records for error in record["errors"])


def test_check_is_readable(tmp_path: Path) -> None:
    done = run("check", *written(tmp_path), "--rows", "2")
    assert "line 2: stored" in done.stdout
    assert "line 3: quarantined" in done.stdout
    assert "a lot" in done.stdout
    assert "line 4:" not in done.stdout.replace("in line 4:", "")


def test_a_wrong_mapping_is_one_line_with_the_place(tmp_path: Path) -> None:
    mapping, path = written(tmp_path, mapping=PLAIN.replace("energy_kwh", "energy"))
    done = run("check", mapping, path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"{mapping}, line 11" in done.stderr
    assert "did you mean energy_kwh?" in done.stderr


def test_a_header_alone_is_said_to_hold_no_records(tmp_path: Path) -> None:
    mapping, path = written(tmp_path)
    path.write_bytes(PLAIN_HEADER)
    done = run("check", mapping, path)
    assert done.returncode == 0
    assert "holds no records" in done.stderr


WHY = """
name = "why"
title = "Every rule"
records = "session"
zone = "America/Denver"
zones = { MST = "-07:00" }
missing = ["NA"]

[file]
delimiter = ";"
decimal = ","
optional_columns = ["Card"]

[fields]
station_id = { columns = ["Street", "Number"] }
started_at = { column = "Start", format = ["iso", "dd/mm/yyyy HH:MM"], zone_column = "TZ" }
ended_at = { start_plus = "Hours" }
charging_duration_h = { column = "Hours", format = "h:mm" }
energy_kwh = { column = "Energy", unit = "Wh" }
cost = "Cost"
currency = { value = "EUR" }
user_id = "Card"
weekday = { column = "Day", names = ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"] }

[station]
name = "Street"
"""

WHY_FILE = """Street;Number;Start;TZ;Hours;Energy;Cost;Day;Remark
High St;7;04/05/2026 08:12;MST;1:30;12400,5;NA;Di;fine
High St;7;2026-05-04T08:12:00Z;;1:30;;4.20;Di;fine
"""


def test_check_says_which_column_and_which_rule(tmp_path: Path) -> None:
    mapping, path = tmp_path / "why.toml", tmp_path / "why.csv"
    mapping.write_text(WHY.replace('start_plus = "Hours"', 'start_plus = "Hours", format = "h:mm"'))
    path.write_text(WHY_FILE)
    document = json.loads(run("check", mapping, path, "--json").stdout)
    first, second = (
        {name: field["why"] for name, field in record["fields"].items()}
        for record in document["records"]
    )
    assert first == {
        "station_id": "Street + Number",
        "user_id": "Card: the file has no column Card",
        "started_at": "Start: 04/05/2026 08:12 (dd/mm/yyyy HH:MM, clock of MST in TZ)",
        "ended_at": "started_at + Hours: 1:30 (h:mm)",
        "charging_duration_h": "Hours: 1:30 (h:mm)",
        "energy_kwh": "Energy: 12400,5 (Wh, decimal comma)",
        "cost": "Cost: NA, which the mapping takes for no value",
        "currency": "the same for every record",
        "weekday": "Day: Di (Monday is 1)",
        "station_name": "Street",
    }
    assert second["started_at"] == "Start: 2026-05-04T08:12:00Z (iso, a moment by itself)"
    assert second["energy_kwh"] == "Energy: empty"
    assert second["cost"] == "Cost: 4.20, not a number with the decimal sign ,"
    assert document["columns_not_read"] == ["Remark"]
    assert document["absent_columns"] == ["Card"]
    assert document["fields_never_filled"] == ["user_id", "cost"]


def test_check_sums_up_more_records_than_it_shows(tmp_path: Path) -> None:
    mapping, path = written(tmp_path)
    path.write_bytes(PLAIN_HEADER + PLAIN_ROW * 200 + b"CP-2,2019-10-27T00:30:00Z,,\n" * 3)
    totals = json.loads(run("check", mapping, path, "--json").stdout)["totals"]
    assert totals == {
        "looked_at": 203,
        "stored": 200,
        "stored_with_warning": 0,
        "quarantined": 3,
        "same_identity": 199,
        "versions": 0,
        "conflicts": 0,
        "errors": {"not_finished": 3},
        "warnings": {},
        "notes": {},
    }
    said = run("check", mapping, path).stdout
    assert "Of the first 203 records 200 would be stored, 3 quarantined." in said
    assert "first in line 202" in said
    assert "199 of these say again what an earlier one says: duplicates." in said


def test_check_fits_a_narrow_terminal(tmp_path: Path) -> None:
    done = run("check", *written(tmp_path))
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        (
            "energy_kwh",
            "energy_kw",
            "line 11: the key 'energy_kw' in [fields] is unknown; did you mean",
        ),
        ('"session"', '"sessions"', "line 4: records = 'sessions' is not known; write one of"),
        ("yyyy HH:MM", "yyyy HH:MN", "line 9: fields.started_at.format"),
        ('"Europe/London"', '"London"', "line 5: zone"),
        (
            'zone = "',
            'zoen = "',
            "line 5: the key 'zoen' at the top is unknown; did you mean zone?",
        ),
        ('"kwh"', '{ column = "kwh", unit = "KWH" }', "line 11: fields.energy_kwh: unit 'KWH'"),
        ('title = "A', 'title = "A" "', "line 3, column"),
    ],
)
def test_a_wrong_mapping_names_the_line_and_the_mend(
    tmp_path: Path, right: str, wrong: str, told: str
) -> None:
    mapping, _ = written(tmp_path, mapping=PLAIN.replace(right, wrong, 1))
    with pytest.raises(PipelineError) as refused:
        load_mapping(str(mapping))
    assert f"{mapping}, {told}" in str(refused.value)
    assert refused.value.mend


def test_a_column_that_the_file_lacks_is_told_with_the_header_and_the_nearest(
    tmp_path: Path,
) -> None:
    mapping, path = written(tmp_path, mapping=PLAIN.replace('"kwh"', '"kw"'))
    done = run("check", mapping, path)
    assert done.returncode == 1
    assert f"{path}, line 1: there is no column 'kw'" in done.stderr
    assert "(its line 11)" in done.stderr
    assert "it may be 'kwh'" in done.stderr
    assert "the header is station,start,end,kwh" in done.stderr


def test_check_counts_elements_of_a_list_and_lines_of_the_others(tmp_path: Path) -> None:
    mapping = tmp_path / "plain.toml"
    mapping.write_text(PLAIN + '[file]\nformat = ["json", "jsonl"]\n')
    listed, lines = tmp_path / "list.json", tmp_path / "lines.json"
    record = '{"station": "CP-1", "start": null, "end": null, "kwh": null}'
    listed.write_text(f"[\n\n{record}\n]")
    lines.write_text(f"{record}\n")
    assert run("check", mapping, listed).stdout.startswith("element 1: quarantined\n")
    assert "first in element 1: " in run("check", mapping, listed).stdout
    assert run("check", mapping, lines).stdout.startswith("line 1: quarantined\n")


def test_check_says_which_lines_are_no_records(tmp_path: Path) -> None:
    mapping, path = tmp_path / "plain.toml", tmp_path / "plain.csv"
    mapping.write_text(PLAIN + '[file]\nskip_lines = 1\nskip_lines_starting = "Total,"\n')
    path.write_bytes(b"Report\n" + PLAIN_HEADER + PLAIN_ROW + b"Total,,,12.4\n")
    told = run("check", mapping, path).stdout
    assert "Lines that are no records: 1 above the header and 1 that begin as" in told
    assert "Of the first 1 records 1 would be stored" in told
