"""A load that is killed at a random moment leaves nothing, and is simply run again."""

import random
import subprocess
import sys
import uuid
from pathlib import Path
from time import monotonic

import pytest
import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline.storage.loads import own_ground
from ev_pipeline.storage.rollups import COMPACTION_LOCK
from ev_pipeline.storage.tables.schema import SCHEMA
from ev_pipeline_tests.intake.files import (
    a_session,
    assert_ledger_adds_up,
    assert_rollups_are_exact,
    dump,
    rows,
    unfinished,
    write_table,
)

N_SESSIONS = 20_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_every_fate(tmp_path)


def write_every_fate(folder: Path, n_sessions: int = N_SESSIONS) -> Path:
    """Sessions with every fate that a record can have."""
    sessions = []
    for n in range(n_sessions):
        day, hour = 1 + n % 28, n % 23
        session = a_session(
            session_id=f"S{n}",
            station_id=f"A{n % 40}",
            started_at=f"2024-05-{day:02}T{hour:02}:00:00Z",
            ended_at=f"2024-05-{day:02}T{hour + 1:02}:00:00Z",
            energy_kwh=(n % 50) / 2,
        )
        sessions.append(session)
        if n % 100 == 0:
            sessions += [session, session | {"energy_kwh": 99}, unfinished(session_id=f"T{n}")]
    return write_table(folder / "sessions.csv", sessions)


def start_load(path: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ev_pipeline.cli.main", "load", "canonical", str(path)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def load(path: Path, environment: dict[str, str]) -> float:
    """Load to the end; returns how long it took, s."""
    began = monotonic()
    with start_load(path, environment) as process:
        _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    return monotonic() - began


def empty(engine: sa.Engine) -> None:
    tables = ", ".join(table.name for table in SCHEMA.sorted_tables)
    with engine.begin() as connection:
        connection.execute(sa.text(f"truncate {tables}"))


def wait_for_orphans(engine: sa.Engine) -> None:
    """The server has noticed that the killed process is gone, and ended its transaction."""
    with engine.begin() as connection:
        own_ground(connection)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(COMPACTION_LOCK)))


def kill_at_random(
    engine: sa.Engine, settings: Settings, environment: dict[str, str], path: Path, rounds: int
) -> None:
    seed = uuid.uuid4().hex
    chance = random.Random(seed)  # noqa: S311 -- moments, not secrets
    nothing = dump(engine)
    duration_s = load(path, environment)
    once = dump(engine)
    load(path, environment)
    twice = dump(engine)
    for killed in range(rounds):
        empty(engine)
        with start_load(path, environment) as process:
            delay_s = chance.uniform(0.2 * duration_s, 1.1 * duration_s)
            try:
                process.communicate(timeout=delay_s)
            except subprocess.TimeoutExpired:
                process.kill()
        wait_for_orphans(engine)
        is_committed = rows(engine, "select count(*) from ev_load") == [1]
        place = f"round {killed}, killed after {delay_s:.3f} s, seed {seed}"
        if not is_committed:
            assert dump(engine) == nothing, place
        load(path, environment)
        assert dump(engine) == (twice if is_committed else once), place
        assert_ledger_adds_up(engine)
        assert_rollups_are_exact(engine, settings.timezone)


def test_a_load_that_is_killed_and_run_again_leaves_the_same_tables(
    engine: sa.Engine, settings: Settings, environment: dict[str, str], path: Path
) -> None:
    kill_at_random(engine, settings, environment, path, rounds=3)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_load_that_is_killed_and_run_again_leaves_the_same_tables_100_times(
    engine: sa.Engine, settings: Settings, environment: dict[str, str], path: Path
) -> None:
    kill_at_random(engine, settings, environment, path, rounds=100)
