"""What lists and states look like: within 80 columns for people, one document for programs."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SESSION = "2025-06-01T00:30:00+01:00,2025-06-01T01:30:00+01:00"
FILE = f"""session_id,station_id,started_at,ended_at,energy_kwh
a-session-with-a-long-name-of-its-own-0001,A-STATION-WITH-A-LONG-NAME-0001,{SESSION},7
a-session-with-a-long-name-of-its-own-0002,A-STATION-WITH-A-LONG-NAME-0002,{SESSION},0
a-session-with-a-long-name-of-its-own-0003,,{SESSION},2000
"""
STATION = "station_id,name\nA,Anywhere\n"


def _run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ev_pipeline.cli.main", *words],
        env={**environment, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )


def _json(environment: dict[str, str], *words: str) -> Any:
    return json.loads(_run(environment, *words, "--json").stdout)


@pytest.fixture
def loaded(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An environment whose database holds a session, two refused records and a station."""
    sessions = tmp_path / "sessions-of-all-our-stations-from-2017-to-2025.csv"
    sessions.write_text(FILE)
    stations = tmp_path / "stations.csv"
    stations.write_text(STATION)
    for source, path in (("canonical", sessions), ("canonical_stations", stations)):
        done = _run(environment, "load", source, str(path))
        assert done.returncode == 0, done.stderr
    return environment


LISTS = (
    (["loads", "list"], [["1", "canonical:"], ["2", "canonical_statio"]]),
    (["quarantine", "list"], [["2", "canonical"], ["1", "canonical"]]),
    (["quarantine", "list", "--all"], [["open", "canonical"]]),
)


def test_a_list_has_room_in_80_columns_and_breaks_no_number(loaded: dict[str, str]) -> None:
    for words, rows in LISTS:
        done = _run(loaded, *words)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert max(map(len, lines)) <= 80
        for cells in rows:
            assert any(all(cell in line for cell in cells) for line in lines), done.stdout
        assert re.search(r" \d{4}-\d{2}-\d{2} ", done.stdout)


def test_status_counts_sessions_apart_from_stations_and_keeps_one_ledger_for_programs(
    loaded: dict[str, str],
) -> None:
    said = _run(loaded, "status").stdout
    assert "Sessions: 3 received, 1 stored, 0 updated, 0 duplicate, 2 quarantined" in said
    assert "Stations: 1 received, 1 stored" in said
    assert _json(loaded, "status")["ledger"] == {
        "received": 4,
        "stored": 2,
        "updated": 0,
        "duplicate": 0,
        "quarantined": 2,
    }


def test_doctor_and_migrate_speak_json_too(environment: dict[str, str]) -> None:
    found = _json(environment, "doctor")
    assert found["healthy"] == all(check["ok"] for check in found["checks"])
    assert {"check", "ok", "found", "mend"} == set(found["checks"][0])
    done = _json(environment, "migrate")
    assert done["schema"].isdigit()
    assert (done["timezone"], done["is_zone_changed"]) == ("UTC", False)
