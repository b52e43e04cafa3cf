import json
import subprocess
import sys
from pathlib import Path

from ev_pipeline_tests.sources.reading import PLAIN, PLAIN_HEADER, PLAIN_ROW


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ev_pipeline.cli.main", "sources", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


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


def test_check_says_what_each_field_became_and_what_would_be_refused(tmp_path: Path) -> None:
    done = run("check", *written(tmp_path), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    records = json.loads(done.stdout)["records"]
    assert [record["outcome"] for record in records] == ["stored", *["quarantined"] * 3]
    assert [record["line"] for record in records] == [2, 3, 4, 5]
    assert records[0]["fields"]["energy_kwh"] == {"value": 12.4, "from": "kwh", "text": "12.4"}
    assert records[1]["fields"]["energy_kwh"] == {"value": None, "from": "kwh", "text": "a lot"}
    reasons = [[error["code"] for error in record["errors"]] for record in records]
    assert reasons[:2] == [[], ["bad_value"]]
    assert reasons[2:] == [["not_finished"], ["malformed"]]
    assert all(error["message"] for record in records for error in record["errors"])


def test_check_is_readable(tmp_path: Path) -> None:
    done = run("check", *written(tmp_path), "--rows", "2")
    assert "line 2: stored" in done.stdout
    assert "line 3: quarantined" in done.stdout
    assert "a lot" in done.stdout
    assert "line 4" not in done.stdout


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
