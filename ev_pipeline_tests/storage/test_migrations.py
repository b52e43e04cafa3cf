"""A database that was filled at any earlier version is, once upgraded, as one filled today."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Final

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from ev_pipeline.intake.load import load_file
from ev_pipeline.intake.undo import undo_load
from ev_pipeline.settings import Settings
from ev_pipeline.storage.engine import migrate, migration_config
from ev_pipeline.storage.promotion import promote
from ev_pipeline.storage.rollup_shapes import ROLLUPS
from ev_pipeline.storage.rollups import compact
from ev_pipeline_tests.conftest import PostgresServer
from ev_pipeline_tests.intake.files import (
    CANONICAL,
    CORRECTING,
    STATIONS,
    a_session,
    assert_rollups_are_exact,
    unfinished,
    write_table,
)
from ev_pipeline_tests.intake.streaming import Delivery, deliver
from ev_pipeline_tests.storage.earlier import fill_as_of, new_database, rows_of
from ev_pipeline_tests.storage.sample import SESSIONS
from ev_pipeline_tests.storage.trained import register
from simulator.files import write_sessions
from simulator.generate import SEED, Size, make_sample

NOW = datetime(2026, 2, 1, 3, tzinfo=UTC)

REVISIONS: Final = sorted(
    script.revision for script in ScriptDirectory.from_config(migration_config()).walk_revisions()
)[:-1]
"""Every version but today's."""

REWRITTEN_AFTER: Final = ("0001", "0006", "0008", "0010")
"""Versions after which rows were rewritten, or all sums formed anew."""

MANY: Final = 100_000


def _fill(engine: sa.Engine, settings: Settings, folder: Path, sessions: Path) -> None:
    """Everything that a table can hold: loads, one taken back, corrections, a stream, labels."""
    load_file(engine, settings, STATIONS, SESSIONS.with_name("stations.csv"))
    load_file(engine, settings, CANONICAL, sessions)
    for energy_kwh in (7, 8, 9):
        again = a_session(updated_at=f"2024-05-06T1{energy_kwh}:00:00Z", energy_kwh=energy_kwh)
        corrected = write_table(folder / "corrected.csv", [again, unfinished(session_id="U")])
        load_file(engine, settings, CORRECTING, corrected)
    taken_back = load_file(
        engine, settings, CANONICAL, write_table(folder / "b.csv", [a_session(session_id="B")])
    )
    assert taken_back.load_id is not None
    undo_load(engine, settings, taken_back.load_id)
    with engine.begin() as connection:
        deliver(connection, settings, [Delivery(a_session(session_id="S")), Delivery(b"no JSON")])
    compact(engine, settings)
    promote(engine, register(engine, 1), reason="first", promoted_at=NOW)


@pytest.fixture(scope="module")
def zone() -> Settings:
    """Settings of every load here."""
    return Settings(timezone="Europe/Lisbon")


@pytest.fixture(scope="module")
def filled(
    migrated: PostgresServer, zone: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[sa.Engine]:
    """A database that was filled today, with the sample that ships."""
    with new_database(migrated) as engine:
        migrate(engine)
        _fill(engine, zone, tmp_path_factory.mktemp("loads"), SESSIONS)
        yield engine


def _assert_nothing_is_lost(
    filled: sa.Engine, upgraded: sa.Engine, copied: dict[str, list[str]], settings: Settings
) -> None:
    """Every row is there, and so are the sums, formed of the log."""
    folded = {rollup.table for rollup in ROLLUPS}
    for table, columns in copied.items():
        if table in folded or table in {"ev_reader", "ev_station_zone"}:
            continue
        formed = {"header_sha256"} if table == "ev_quarantine" else set()
        shown = sorted({*columns, *formed})
        assert rows_of(upgraded, table, shown) == rows_of(filled, table, shown), table
    told = ["scope", "station_id", "time_zone", "is_from_registry"]
    assert rows_of(upgraded, "ev_station_zone", told) == rows_of(filled, "ev_station_zone", told)
    compact(upgraded, settings)
    for rollup in ROLLUPS:
        sums = [*rollup.keys, *rollup.sums]
        assert rows_of(upgraded, rollup.table, sums) == rows_of(filled, rollup.table, sums)
    assert_rollups_are_exact(upgraded, settings.timezone)


@pytest.mark.parametrize("revision", REWRITTEN_AFTER)
def test_an_upgrade_loses_nothing(
    migrated: PostgresServer, filled: sa.Engine, zone: Settings, revision: str
) -> None:
    with new_database(migrated) as earlier:
        copied = fill_as_of(revision, filled, earlier)
        migrate(earlier)
        _assert_nothing_is_lost(filled, earlier, copied, zone)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_an_upgrade_of_many_sessions_from_any_version_takes_seconds(
    migrated: PostgresServer, zone: Settings, tmp_path: Path
) -> None:
    size = Size(MANY, 500, MANY // 100, MANY // 200)
    write_sessions(make_sample(size, SEED).sessions, tmp_path / "sessions.csv")
    with new_database(migrated) as filled:
        migrate(filled)
        _fill(filled, zone, tmp_path, tmp_path / "sessions.csv")
        for revision in REVISIONS:
            with new_database(migrated) as earlier:
                copied = fill_as_of(revision, filled, earlier)
                since = perf_counter()
                migrate(earlier)
                print(f"from {revision}: {perf_counter() - since:.1f} s")  # noqa: T201 -- asked for
                if revision in REWRITTEN_AFTER:
                    _assert_nothing_is_lost(filled, earlier, copied, zone)
