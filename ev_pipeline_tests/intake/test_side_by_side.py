"""Loads beside a stream, beside each other, and beside the compactor."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest
import sqlalchemy as sa

from ev_pipeline.intake.job import Job
from ev_pipeline.intake.load import load_file, take_in
from ev_pipeline.intake.records import FileRecords
from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline.storage.loads import Origin, Tally, new_load_id
from ev_pipeline.storage.rollups import compact
from ev_pipeline_tests.intake.files import (
    CANONICAL,
    CORRECTING,
    a_session,
    assert_ledger_adds_up,
    assert_rollups_are_exact,
    rows,
    unfinished,
    write_sessions,
)
from ev_pipeline_tests.intake.streaming import Delivery, deliver

WAIT_S = 30


def sessions(prefix: str, n: int) -> list[dict[str, object]]:
    return [
        a_session(session_id=f"{prefix}{i}", station_id=f"{prefix}{i % 5}", connector_id=None)
        for i in range(n)
    ]


def take_in_as(
    connection: sa.Connection, settings: Settings, path: Path, *, door: str, mapping: Mapping
) -> Tally:
    """Everything that a load does, in a transaction of the test's."""
    now = datetime.now(UTC)
    origin = Origin("fleet", "session", "default", door, str(path), "", now.date(), now)
    records = FileRecords(path, mapping, now)
    job = Job(new_load_id(connection), settings, mapping, origin, records, records.fingerprint())
    return take_in(connection, job)


@contextmanager
def unfinished_load(engine: sa.Engine, settings: Settings, path: Path) -> Iterator[sa.Connection]:
    """A load that has done all it does but the commit, which comes with the context's end."""
    with engine.begin() as connection:
        take_in_as(connection, settings, path, door="file", mapping=CORRECTING)
        yield connection


def wait_until_somebody_waits(engine: sa.Engine) -> None:
    deadline = monotonic() + WAIT_S
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
    while rows(engine, waiting) == [0]:
        assert monotonic() < deadline, "nobody waits for the first load"


def test_a_stream_of_other_sessions_never_waits_for_a_load(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    known = write_sessions(tmp_path / "known.json", sessions("A", 20) + sessions("B", 20))
    load_file(engine, settings, CANONICAL, known)
    corrected = [{**session, "energy_kwh": 7} for session in sessions("A", 10)]
    file = write_sessions(tmp_path / "file.json", corrected + sessions("C", 500))
    live = write_sessions(tmp_path / "live.json", sessions("D", 50) + sessions("B", 5))
    with unfinished_load(engine, settings, file), engine.begin() as stream:
        stream.execute(sa.text("set local lock_timeout = '1ms'"))
        tally = take_in_as(stream, settings, live, door="stream", mapping=CANONICAL)
        assert tally.counts.stored == 50
        assert tally.counts.duplicate == 5
    compact(engine, settings)
    assert rows(engine, "select count(*) from ev_session") == [590]
    assert_ledger_adds_up(engine)
    assert_rollups_are_exact(engine, "UTC")


def test_of_two_loads_of_one_file_the_second_finds_duplicates(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    path = write_sessions(tmp_path / "file.json", sessions("A", 200))
    with ThreadPoolExecutor(1) as pool:
        with unfinished_load(engine, settings, path):
            second = pool.submit(load_file, engine, settings, CANONICAL, path)
            wait_until_somebody_waits(engine)
        counts = second.result(WAIT_S).tally.counts
    assert (counts.stored, counts.duplicate) == (0, 200)
    assert rows(engine, "select count(*), max(revision) from ev_session") == [(200, 1)]
    assert_ledger_adds_up(engine)
    assert_rollups_are_exact(engine, "UTC")


def test_a_correction_that_comes_second_replaces_the_first_one(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    load_file(engine, settings, CANONICAL, write_sessions(tmp_path / "0.json", [a_session()]))
    first = write_sessions(tmp_path / "1.json", [a_session(energy_kwh=1)])
    second = write_sessions(tmp_path / "2.json", [a_session(energy_kwh=2)])
    with ThreadPoolExecutor(1) as pool:
        with unfinished_load(engine, settings, first):
            other = pool.submit(load_file, engine, settings, CORRECTING, second)
            wait_until_somebody_waits(engine)
        assert other.result(WAIT_S).tally.counts.updated == 1
    assert rows(engine, "select revision, energy_kwh from ev_session") == [(3, 2.0)]
    assert rows(engine, "select revision from ev_session_history order by 1") == [1, 2]
    assert_rollups_are_exact(engine, "UTC")


def test_a_session_that_another_stream_commits_first_is_a_duplicate(
    engine: sa.Engine, settings: Settings
) -> None:
    first = [Delivery(session, "charger-2") for session in sessions("A", 2)]
    second = [Delivery(session) for session in sessions("A", 3)]

    def deliver_second() -> list[str]:
        with engine.begin() as connection:
            return [one.decision for one in deliver(connection, settings, second)[1]]

    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as connection:
            deliver(connection, settings, first)
            later = pool.submit(deliver_second)
            wait_until_somebody_waits(engine)
        assert later.result(WAIT_S) == ["duplicate", "duplicate", "stored"]
    assert rows(engine, "select source from ev_session order by source_session_id") == [
        "charger-2",
        "charger-2",
        "charger-1",
    ]
    assert_rollups_are_exact(engine, "UTC")


@pytest.mark.parametrize("is_completed_first", [True, False])
def test_completed_and_unfinished_at_once_leave_no_open_entry(
    engine: sa.Engine, settings: Settings, tmp_path: Path, *, is_completed_first: bool
) -> None:
    files = [
        write_sessions(tmp_path / "completed.json", [a_session()]),
        write_sessions(tmp_path / "unfinished.json", [unfinished()]),
    ]
    first, second = files if is_completed_first else reversed(files)
    with ThreadPoolExecutor(1) as pool:
        with unfinished_load(engine, settings, first):
            later = pool.submit(load_file, engine, settings, CANONICAL, second)
            wait_until_somebody_waits(engine)
        later.result(WAIT_S)
    settled = "select state, settled_by_load = load_id from ev_quarantine cross join ev_session"
    assert rows(engine, settled) == [("superseded", True)]


def test_a_change_that_commits_late_is_folded_later_and_shown_at_once(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    early = write_sessions(tmp_path / "early.json", sessions("A", 3))
    late = write_sessions(tmp_path / "late.json", sessions("B", 4))
    folded = "select coalesce(sum(n_sessions), 0)::int from ev_rollup_network"
    with unfinished_load(engine, settings, early):
        load_file(engine, settings, CANONICAL, late)
        assert rows(engine, folded) == [0]
        assert_rollups_are_exact(engine, "UTC")
    assert_rollups_are_exact(engine, "UTC")
    assert compact(engine, settings) == 7
    assert rows(engine, folded) == [7]
    assert_rollups_are_exact(engine, "UTC")


def test_a_correction_that_is_folded_before_its_base_is_not_lost(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    base = a_session(energy_kwh=10.0, updated_at="2024-05-06T00:00:00Z")
    correction = a_session(energy_kwh=20.0, updated_at="2024-05-07T00:00:00Z")
    early = write_sessions(tmp_path / "early.json", [correction])
    late = write_sessions(tmp_path / "late.json", [base])
    with engine.connect() as other:

        def load_the_base(_: int) -> None:
            if not other.in_transaction():
                other.execute(sa.text("select pg_current_xact_id()"))
                load_file(engine, settings, CANONICAL, late)

        load_file(engine, settings, CANONICAL, early, progress=load_the_base)
        assert rows(engine, "select energy_kwh, revision from ev_session") == [(20.0, 2)]
        assert rows(engine, "select n_sessions, energy_kwh from ev_rollup_network") == [(0, 10)]
        assert_rollups_are_exact(engine, settings.timezone)
    compact(engine, settings)
    assert_rollups_are_exact(engine, settings.timezone)


@pytest.mark.parametrize("n_loads", [4])
def test_loads_at_the_same_time_store_each_session_once(
    engine: sa.Engine, settings: Settings, tmp_path: Path, n_loads: int
) -> None:
    path = write_sessions(tmp_path / "file.json", sessions("A", 300) + [a_session()] * 3)
    with ThreadPoolExecutor(n_loads) as pool:
        results = list(
            pool.map(lambda _: load_file(engine, settings, CANONICAL, path), range(n_loads))
        )
    assert sum(result.tally.counts.stored for result in results) == 301
    assert rows(engine, "select count(*) from ev_session") == [301]
    assert rows(engine, "select received from ev_ledger") == [n_loads * 303]
    assert_ledger_adds_up(engine)
    assert_rollups_are_exact(engine, "UTC")
