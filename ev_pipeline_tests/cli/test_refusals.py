"""What commands refuse, in one line that names the mend."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from ev_pipeline.settings import Settings
from ev_pipeline.stack.credentials import READER
from ev_pipeline_tests.conftest import PostgresServer

HEADER = "session_id,station_id,started_at,ended_at,energy_kwh\n"
ROW = "1,A,2025-06-01T00:30:00+01:00,2025-06-01T01:30:00+01:00,7\n"


def _refused(environment: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ev_pipeline.cli.main", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["quarantine", "replay", "4711"], "no quarantined record 4711"),
        (["quarantine", "replay", "--code", "nonsense"], "quarantined for nonsense"),
        (["quarantine", "list", "--code", "over_48_hours"], "quarantined for over_48_hours"),
        (["models", "promote", "nonsense"], "no model version nonsense"),
    ],
)
def test_what_does_not_exist_is_named(
    environment: dict[str, str], words: list[str], said: str
) -> None:
    assert said in _refused(environment, *words)


def test_a_role_that_may_only_read_is_told_which_variable_to_mend(
    environment: dict[str, str], migrated: PostgresServer, tmp_path: Path
) -> None:
    file = tmp_path / "session.csv"
    file.write_text(HEADER + ROW)
    database = environment["EV_DATABASE_URL"].rpartition("/")[2]
    reading = {**environment, "EV_DATABASE_URL": migrated.url(READER.role, database)}
    said = _refused(reading, "load", "canonical", str(file))
    assert "role of EV_DATABASE_URL may not do this" in said


def test_one_port_for_two_services_is_refused() -> None:
    with pytest.raises(ValidationError, match="EV_POSTGRES_PORT and EV_DAGSTER_PORT are both 3000"):
        Settings(postgres_port=3000, dagster_port=3000)
