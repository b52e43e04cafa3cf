"""A database that was filled at any earlier version is, once upgraded, as one filled today."""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Final

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from ev_pipeline.settings import Settings
from ev_pipeline.storage.engine import migrate, migration_config
from ev_pipeline.storage.rollup_shapes import ROLLUPS
from ev_pipeline.storage.rollups import compact
from ev_pipeline.storage.tables.schema import SCHEMA
from ev_pipeline_tests.conftest import PostgresServer
from ev_pipeline_tests.intake.files import assert_rollups_are_exact
from ev_pipeline_tests.storage.earlier import fill_as_of, new_database, rows_of
from ev_pipeline_tests.storage.filled import fill
from ev_pipeline_tests.storage.sample import SESSIONS
from simulator.files import write_sessions
from simulator.generate import SEED, Size, make_sample

REVISIONS: Final = sorted(
    script.revision for script in ScriptDirectory.from_config(migration_config()).walk_revisions()
)[:-1]
"""Every version but today's."""

REWRITTEN_AFTER: Final = {"0001", "0006", "0008", "0010"}
"""Versions after which stored rows were rewritten, and the first."""

MANY: Final = 100_000


@pytest.fixture(scope="module")
def zone(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of every load here."""
    return Settings(timezone="Europe/Lisbon", home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def filled(
    migrated: PostgresServer, zone: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[sa.Engine]:
    """A database that was filled today, with the sample that ships."""
    with new_database(migrated) as engine:
        migrate(engine)
        fill(engine, zone, tmp_path_factory.mktemp("loads"), SESSIONS)
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


def test_every_table_holds_something_before_it_is_upgraded(filled: sa.Engine) -> None:
    names = [table.name for table in SCHEMA.sorted_tables]
    assert [name for name in names if not rows_of(filled, name, ["1"])] == []


@pytest.mark.parametrize(
    "revision",
    [
        pytest.param(each, marks=[] if each in REWRITTEN_AFTER else pytest.mark.long)
        for each in REVISIONS
    ],
)
def test_an_upgrade_loses_nothing(
    migrated: PostgresServer, filled: sa.Engine, zone: Settings, revision: str
) -> None:
    with new_database(migrated) as earlier:
        copied = fill_as_of(revision, filled, earlier)
        migrate(earlier)
        _assert_nothing_is_lost(filled, earlier, copied, zone)


_MET_TWICE: Final = """
    insert into ev_load (load_id, source, records, scope, door, path, mapping, header, day,
        started_at, finished_at, undone_at)
    overriding system value
    select n, 'm', 'session', 's', 'file', 'f', 'id = "m"', convert_to(h, 'utf8'), '2024-05-06',
        now(), now(), case when n = 1 then now() end
    from (values (1, 'id,kwh'), (2, 'kwh,id'), (3, 'kwh,id')) l (n, h);
    insert into ev_quarantine (quarantine_id, scope, origin, raw_sha256, raw, reasons, codes, state,
        first_seen_at, last_seen_at, times_seen, settled_by_load)
    overriding system value
    select n, 's', o, encode(sha256(convert_to(h || e'\\n1,2', 'utf8')), 'hex'), '1,2', '[]', '{}',
        state, '2024-05-06Z'::timestamptz + n * interval '1 day',
        '2024-06-06Z'::timestamptz + n * interval '1 day', n, settled
    from (values (1, 'm', 'id,kwh', 'resolved', 9), (2, 'm', 'kwh,id', 'open', null),
        (3, 'other', 'kwh,id', 'resolved', 9)) q (n, o, h, state, settled);
    insert into ev_quarantine_sighting (load_id, line, quarantine_id)
    values (2, 7, 1), (3, 8, 2), (3, 9, 3)
"""
"""One row under one header, in two entries: the first is of a load that was taken back, whose
header its digest covers, and was met by another load before headers counted."""


def test_entries_of_one_row_that_an_upgrade_finds_to_be_the_same_become_one(
    migrated: PostgresServer,
) -> None:
    with new_database(migrated) as earlier:
        with earlier.begin() as connection:
            config = migration_config()
            config.attributes["connection"] = connection
            command.upgrade(config, "0010")
            connection.exec_driver_sql(_MET_TWICE)
        migrate(earlier)
        shown = ["quarantine_id", "state", "times_seen", "settled_by_load"]
        assert rows_of(earlier, "ev_quarantine", shown) == ["(1,open,3,)", "(3,resolved,3,9)"]
        times = ["quarantine_id", "first_seen_at::date", "last_seen_at::date"]
        assert rows_of(earlier, "ev_quarantine", times)[0] == "(1,2024-05-07,2024-06-08)"
        met = ["load_id", "line", "quarantine_id"]
        assert rows_of(earlier, "ev_quarantine_sighting", met) == ["(2,7,1)", "(3,8,1)", "(3,9,3)"]


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_an_upgrade_of_many_sessions_from_any_version_takes_seconds(
    migrated: PostgresServer, zone: Settings, tmp_path: Path
) -> None:
    size = Size(MANY, 500, MANY // 100, MANY // 200)
    write_sessions(make_sample(size, SEED).sessions, tmp_path / "sessions.csv")
    with new_database(migrated) as filled:
        migrate(filled)
        fill(filled, zone, tmp_path, tmp_path / "sessions.csv")
        for revision in REVISIONS:
            with new_database(migrated) as earlier:
                copied = fill_as_of(revision, filled, earlier)
                since = perf_counter()
                migrate(earlier)
                print(f"from {revision}: {perf_counter() - since:.1f} s")  # noqa: T201 -- asked for
                _assert_nothing_is_lost(filled, earlier, copied, zone)
