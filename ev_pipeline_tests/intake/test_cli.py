"""The commands as a person and a program meet them: exit codes, streams, one JSON document."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ev_pipeline_tests.intake.files import a_session, rows, unfinished, write_sessions


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    later = {"started_at": "2024-05-06T09:00:00Z", "ended_at": "2024-05-06T11:00:00Z"}
    first = [a_session(), unfinished(session_id="S2"), a_session(session_id="S3", energy_kwh=0)]
    second = [a_session(), a_session(session_id="S4", **later), {"station_id": "A"}]
    return [
        str(write_sessions(tmp_path / "first.json", first)),
        str(write_sessions(tmp_path / "second.json", second)),
    ]


def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ev_pipeline.cli.main", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def document(environment: dict[str, str], *words: str) -> Any:
    done = run(environment, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_load_answers_with_the_sums_over_its_files(
    engine: sa.Engine, environment: dict[str, str], files: list[str]
) -> None:
    assert document(environment, "load", "canonical", *files) == {
        "source": "canonical",
        "received": 6,
        "stored": 2,
        "updated": 0,
        "duplicate": 1,
        "quarantined": 3,
        "reasons": {"missing_field": 1, "no_energy": 1, "not_finished": 2},
        "warnings": {"overlaps_same_connector": 1},
        "notes": {"station_unregistered": 2},
    }
    assert document(environment, "load", "canonical", *files)["stored"] == 0


def test_an_unreadable_file_fails_the_command_and_the_others_are_stored(
    engine: sa.Engine, environment: dict[str, str], files: list[str], tmp_path: Path
) -> None:
    missing = str(tmp_path / "missing.csv")
    done = run(environment, "load", "canonical", missing, files[0], "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["stored"] == 1
    assert done.stderr.count("\n") == 1
    assert "missing.csv" in done.stderr
    assert rows(engine, "select count(*) from ev_session") == [1]


def test_a_dry_run_says_so_and_stores_nothing(
    engine: sa.Engine, environment: dict[str, str], files: list[str]
) -> None:
    done = run(environment, "load", "canonical", files[0], "--dry-run")
    assert done.returncode == 0
    assert "dry run, nothing stored" in done.stdout
    assert rows(engine, "select count(*) from ev_session") == [0]


def test_a_load_is_listed_and_taken_back_once(
    engine: sa.Engine, environment: dict[str, str], files: list[str]
) -> None:
    document(environment, "load", "canonical", files[0])
    document(environment, "load", "canonical", files[0])
    assert [load["load_id"] for load in document(environment, "loads", "list")] == [2, 1]
    undone = run(environment, "loads", "undo", "1")
    assert undone.returncode == 0
    assert "loads 2 had met some of its records" in undone.stderr
    again = run(environment, "loads", "undo", "1")
    assert again.returncode == 1
    assert again.stderr.startswith("error: load 1 was taken back already")


def test_quarantine_is_listed_shown_and_replayed(
    engine: sa.Engine, environment: dict[str, str], files: list[str]
) -> None:
    document(environment, "load", "canonical", files[0])
    (entry,) = document(environment, "quarantine", "list", "--code", "no_energy")
    assert entry["codes"] == ["no_energy"]
    shown = document(environment, "quarantine", "show", str(entry["quarantine_id"]))
    assert json.loads(shown["raw"])["session_id"] == "S3"
    (replayed,) = document(environment, "quarantine", "replay", str(entry["quarantine_id"]))
    assert (replayed["received"], replayed["quarantined"]) == (1, 1)


def test_days_stay_in_their_zone_until_migrate_forms_them_anew(
    engine: sa.Engine, environment: dict[str, str], files: list[str]
) -> None:
    document(environment, "load", "canonical", files[0])
    days = "select day::text from ev_rollup_station"
    assert rows(engine, days) == ["2024-05-06"]
    elsewhere = {**environment, "EV_TIMEZONE": "Pacific/Honolulu"}
    loaded = run(elsewhere, "load", "canonical", files[0])
    assert loaded.returncode == 0
    assert "the stations' days are formed in UTC" in loaded.stderr
    assert rows(engine, days) == ["2024-05-06"]
    assert run(elsewhere, "migrate").returncode == 0
    assert rows(engine, days) == ["2024-05-05"]
    assert "days are formed" not in run(elsewhere, "load", "canonical", files[0]).stderr


def test_a_database_that_was_never_migrated_is_one_line_with_the_mend(
    environment: dict[str, str], engine: sa.Engine, files: list[str]
) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("drop table alembic_version"))
    done = run(environment, "load", "canonical", files[0])
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "run `ev-pipeline migrate`" in done.stderr


@pytest.mark.parametrize(
    "words", [["load"], ["loads", "undo"], ["quarantine", "replay"], ["migrate"]]
)
def test_every_command_shows_an_example(environment: dict[str, str], words: list[str]) -> None:
    assert "Example: ev-pipeline" in run(environment, *words, "--help").stdout
