"""Period reports on the command line and in files, by the real command."""

import csv
import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
import sqlalchemy as sa

from ev_pipeline.panels.period_request import answer_request
from ev_pipeline.settings import Settings
from ev_pipeline_tests.intake.loader import Loader
from ev_pipeline_tests.panels.made_sessions import sessions_about_clock_changes

DAYS = ("--from", "2024-03-29", "--to", "2024-04-01")


def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ev_pipeline.cli.main", *words]
    # A narrow terminal, so that what does not fit would be folded.
    narrow = {**environment, "COLUMNS": "80", "EV_TIMEZONE": "Europe/Lisbon"}
    return subprocess.run(command, env=narrow, capture_output=True, text=True, check=False)


@pytest.fixture
def environment(
    environment: dict[str, str], settings: Settings, engine: sa.Engine
) -> dict[str, str]:
    zoned = settings.model_copy(update={"timezone": "Europe/Lisbon"})
    Loader(engine, zoned, settings.home)(*sessions_about_clock_changes())
    return environment


def test_command_file_and_message_agree_to_the_last_digit(
    environment: dict[str, str], engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    shown = run(environment, "period", *DAYS, "--json")
    assert (shown.returncode, shown.stderr) == (0, "")
    report = json.loads(shown.stdout)
    assert report["n_sessions"] > 0
    zoned = settings.model_copy(update={"timezone": "Europe/Lisbon"})
    question = {"query": "period", "from": DAYS[1], "to": DAYS[3], "station_id": None}
    assert json.loads(answer_request(engine, zoned, json.dumps(question).encode())) == report
    path = tmp_path / "period.csv"
    written = run(environment, "export", "period", *DAYS, "--format", "csv", "--output", str(path))
    assert (written.returncode, written.stdout) == (0, "")
    printed = run(environment, "export", "period", *DAYS).stdout
    assert printed == path.read_text()
    for line, day in zip(csv.DictReader(StringIO(printed)), report["by_day"], strict=True):
        found = {name: line[name] for name in day}
        assert found == {name: "" if value is None else str(value) for name, value in day.items()}
    table = run(environment, "period", *DAYS).stdout
    assert max(map(len, table.splitlines()[:-1])) <= 80
    assert "2024-03-31" in table
    assert f"{report['total_energy_kwh']:,.2f}" in table


def test_what_cannot_be_reported_is_one_line_with_the_mend(environment: dict[str, str]) -> None:
    for words, said in {
        ("--from", "2024-04-01", "--to", "2024-03-01"): "before it begins",
        ("--from", "soon", "--to", "2024-03-01"): "'from' is no date",
        (*DAYS, "--station", "nowhere"): "there is no station 'nowhere'",
    }.items():
        failed = run(environment, "period", *words)
        assert failed.returncode == 1
        assert failed.stdout == ""
        assert failed.stderr.count("\n") == 1
        assert said in failed.stderr
    failed = run(environment, "export", "period", *DAYS, "--output", "/nowhere/period.csv")
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1)
    assert "/nowhere/period.csv: the file cannot be written" in failed.stderr
