"""`export` as a person and a program meet it: files, streams, exit codes, one line an error."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from ev_pipeline.cli.main import main
from ev_pipeline.domain.periods import read_period
from ev_pipeline.panels.period_report import as_csv, as_frame, report_period
from ev_pipeline.settings import Settings
from ev_pipeline.storage.promotion import promote
from ev_pipeline_tests.exports.cdr_rules import PARTY, assert_cdr
from ev_pipeline_tests.intake.files import a_session, rows
from ev_pipeline_tests.intake.loader import Loader
from ev_pipeline_tests.storage.trained import TRAINED_AT, register

COMMAND = (sys.executable, "-m", "ev_pipeline.cli.main", "export")
PARTY_VARIABLES = {f"EV_{name.upper()}": str(value) for name, value in PARTY.items()}


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    returncode: object
    stdout: bytes
    stderr: bytes


Run = Callable[..., Done]
"""Runs `export` with these words, here: a process of its own takes seconds to start."""


def one_line(failed: Done, code: int) -> str:
    said = failed.stderr.decode()
    assert (failed.returncode, failed.stdout, said.count("\n")) == (code, b"", 1), said
    return said


@pytest.fixture
def environment(
    environment: dict[str, str], settings: Settings, engine: sa.Engine
) -> dict[str, str]:
    """Three sessions in Lisbon's summer: the second starts on the first of May there alone."""
    load = Loader(engine, settings, settings.home)
    load(
        a_session(session_id="b", started_at="2024-04-30T22:59:59Z", cost=4.2, currency="EUR"),
        a_session(session_id="a", started_at="2024-04-30T23:00:00Z", cost=4.2, currency="EUR"),
        a_session(session_id="c", station_id="B", energy_kwh=0.25),
    )
    return {**environment, "EV_TIMEZONE": "Europe/Lisbon", "COLUMNS": "80", **PARTY_VARIABLES}


@pytest.fixture
def run(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Run:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["ev-pipeline", "export", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(ended.value.code or 0, *capsysbinary.readouterr())

    return run


def own_ids(done: Done) -> list[str]:
    assert done.returncode == 0, done.stderr
    return [
        line["source_session_id"]
        for line in csv.DictReader(StringIO(done.stdout.decode(), newline=""))
    ]


def test_sessions_come_in_the_order_of_their_start_and_by_what_is_asked(run: Run) -> None:
    everything = run("sessions")
    assert own_ids(everything) == ["b", "a", "c"]
    assert everything.stderr == b"3 sessions\n"
    some = run("sessions", "--from", "2024-05-01", "--to", "2024-05-05")
    assert own_ids(some) == ["a"]
    at_a_station = run("sessions", "--station", "B", "--scope", "default")
    assert own_ids(at_a_station) == ["c"]


def test_parquet_holds_codes_as_a_list_and_the_summary_is_json(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "sessions.parquet"
    done = run("sessions", "--format", "parquet", "--output", str(path), "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout) == {
        "exported": 3,
        "not_exported": 0,
        "reasons": [],
        "format": "parquet",
        "output": str(path),
    }
    read = pl.read_parquet(path)
    assert read["quality_codes"].to_list()[-1] == ["under_0_5_kwh", "station_unregistered"]
    assert read.schema["started_at"] == pl.Datetime("us", "UTC")
    piped = run("sessions", "--format", "parquet").stdout
    assert pl.read_parquet(BytesIO(piped)).equals(read)
    assert sorted(path.parent.iterdir()) == [path]


def test_cdrs_are_written_and_what_is_none_is_counted_with_the_reason(run: Run) -> None:
    done = run("sessions", "--format", "ocpi")
    cdrs = json.loads(done.stdout)
    for cdr in cdrs:
        assert_cdr(cdr)
    assert [cdr["session_id"] for cdr in cdrs] == ["b", "a"]
    assert done.stderr.decode().splitlines() == [
        "2 sessions",
        "1 sessions are no CDRs:",
        "  1: total_cost: the session has no cost",
    ]


def test_labels_are_the_champions(run: Run, engine: sa.Engine) -> None:
    assert "no model is champion" in one_line(run("labels"), 1)
    version = register(engine, 1)
    promote(engine, version, reason="the first", promoted_at=TRAINED_AT)
    lines = list(csv.DictReader(StringIO(run("labels").stdout.decode())))
    assert [line["source_session_id"] for line in lines] == ["b", "a", "c"]
    assert {line["model_version"] for line in lines} == {version}
    ids = rows(engine, "select session_id::text from ev_session order by started_at, session_id")
    assert [line["session_id"] for line in lines] == ids
    assert isinstance(json.loads(lines[0]["anomaly_reasons"]), list)


def test_a_period_in_parquet_says_what_its_csv_says(engine: sa.Engine, settings: Settings) -> None:
    Loader(engine, settings, settings.home)(a_session())
    asked = read_period("2024-05-05", "2024-05-06", settings.zone)
    report = report_period(engine, settings, asked, None)
    days = as_frame(report)
    lines = list(csv.DictReader(StringIO(as_csv(report))))
    assert days.columns == list(lines[0])
    for line, day in zip(lines, days.iter_rows(named=True), strict=True):
        assert line == {name: "" if value is None else str(value) for name, value in day.items()}
    assert days.schema["day"] == pl.Date()
    assert days.schema["mean_energy_kwh"] == pl.Float64()


def test_a_reader_that_leaves_is_no_fault_worth_a_stack_trace(environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [*COMMAND, "sessions"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as export:
        assert export.stdout is not None
        assert export.stderr is not None
        export.stdout.close()
        assert export.stderr.read() == b""
    assert export.returncode == 1


def test_a_file_that_is_replaced_keeps_its_permissions(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "sessions.csv"
    file.touch(0o600)
    assert run("sessions", "--output", str(file)).returncode == 0
    assert file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_done_is_one_line_with_the_mend(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usage: dict[str, tuple[str, ...]] = {
        "--format csv or parquet": ("labels", "--format", "ocpi"),
        "name a file with --output": ("sessions", "--json"),
    }
    for said, words in usage.items():
        assert said in one_line(run(*words), 2)
    refused: dict[str, tuple[str, ...]] = {
        f"{tmp_path}: this is a directory": ("sessions", "--output", str(tmp_path)),
        "/nowhere/x.csv: the file cannot be written": ("sessions", "--output", "/nowhere/x.csv"),
        "there is no station 'nowhere'": ("sessions", "--station", "nowhere"),
        "there is no operator 'nobody'": ("sessions", "--scope", "nobody"),
        "'from' is no date": ("sessions", "--from", "soon"),
    }
    for said, words in refused.items():
        assert said in one_line(run(*words), 1)
    monkeypatch.delenv("EV_OCPI_PARTY_ID")
    assert "EV_OCPI_PARTY_ID" in one_line(run("sessions", "--format", "ocpi"), 1)
    assert list(tmp_path.iterdir()) == []
