"""Promotion: one champion's labels or another's, whatever happens beside it or to it."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.storage.promotion import label_for_champion, promote
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.storage.sample import correct, delete, sample_sessions, store
from ev_pipeline_tests.storage.test_labels import MISSING, ORPHANED
from ev_pipeline_tests.storage.trained import register

NOW = datetime(2026, 2, 1, 3, tzinfo=UTC)
PARTITIONS = """
    select count(*) from pg_class c
    where relkind = 'r' and starts_with(relname, 'ev_session_label_')
"""
WAITING = """
    select count(*) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'
"""
PROMOTE = [sys.executable, "-m", "ev_pipeline.cli.main", "models", "promote"]


@pytest.fixture
def champion(engine: sa.Engine) -> str:
    """A champion that has labelled the whole sample."""
    with engine.begin() as connection:
        store(connection, sample_sessions())
    version = register(engine, 1)
    promote(engine, version, reason="first", promoted_at=NOW)
    return version


def _count(engine: sa.Engine, sql: str) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(sql).scalar_one())


def _shown(engine: sa.Engine) -> set[tuple[str, int]]:
    """Versions whose labels readers see, with the number of sessions."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "select model_version, count(*) from ev_session_labelled group by model_version"
        )
        return {(row[0], row[1]) for row in rows}


def test_the_first_version_becomes_champion_with_all_its_labels(
    engine: sa.Engine, champion: str
) -> None:
    assert _shown(engine) == {(champion, len(sample_sessions()))}


def test_a_promotion_says_what_it_did_and_a_repeated_one_does_nothing(
    engine: sa.Engine, champion: str
) -> None:
    second = register(engine, 2)
    done = promote(engine, second, reason="newer", promoted_at=NOW)
    assert (done.version, done.previous, done.n_labels) == (
        second,
        champion,
        len(sample_sessions()),
    )
    again = promote(engine, second, reason="again", promoted_at=NOW)
    assert (again.previous, again.n_labels) == (second, 0)
    assert _shown(engine) == {(second, len(sample_sessions()))}


def test_labels_of_the_champion_and_the_one_before_are_kept_and_older_ones_dropped(
    engine: sa.Engine, champion: str
) -> None:
    for seed in (2, 3, 4):
        promote(
            engine, register(engine, seed), reason="newer", promoted_at=NOW + timedelta(days=seed)
        )
    with engine.connect() as connection:
        kept = connection.exec_driver_sql(
            "select model_version from ev_session_label group by 1 order by 1"
        ).scalars()
        assert [version[:8] for version in kept] == ["20260103", "20260104"]
    assert _count(engine, PARTITIONS) == 2
    assert _count(engine, "select count(*) from ev_reader where reader like 'labels/%%'") == 2


def test_a_rollback_relabels_only_what_it_has_missed(engine: sa.Engine, champion: str) -> None:
    promote(engine, register(engine, 2), reason="newer", promoted_at=NOW + timedelta(days=1))
    ids = sample_sessions()["session_id"].to_list()
    with engine.begin() as connection:
        delete(connection, ids[:40])
    with engine.begin() as connection:
        store(connection, sample_sessions()[:25])
    done = promote(engine, champion, reason="back", promoted_at=NOW + timedelta(days=2))
    assert done.n_labels <= 25
    assert _shown(engine) == {(champion, len(ids) - 15)}
    label_for_champion(engine, labelled_at=NOW)
    assert _count(engine, MISSING) == 0


@pytest.mark.parametrize("n_changed", [20, 600])
def test_what_a_load_changes_at_the_last_moment_is_labelled_too(
    engine: sa.Engine, champion: str, n_changed: int
) -> None:
    second = register(engine, 2)
    sessions = sample_sessions()
    ids = sessions["session_id"].to_list()
    with ThreadPoolExecutor(1) as pool:
        with _held(engine, "select from ev_model where is_champion for share"):
            promotion = pool.submit(promote, engine, second, reason="newer", promoted_at=NOW)
            wait_until(lambda: _count(engine, WAITING) > 0, within_s=60)
            with engine.begin() as connection:
                delete(connection, ids[:n_changed])
                store(connection, sessions[: n_changed // 2])
                correct(connection, ids[-1], energy_kwh=4.25)
        promotion.result()
    assert _count(engine, MISSING) == 0
    assert _count(engine, f"{ORPHANED} and l.model_version = '{second}'") == 0
    assert _shown(engine) == {(second, len(ids) - n_changed // 2)}


def test_an_unknown_version_is_refused_and_the_champion_stays(
    engine: sa.Engine, champion: str
) -> None:
    with pytest.raises(PipelineError, match="no model version nonsense"):
        promote(engine, "nonsense", reason="", promoted_at=NOW)
    assert _shown(engine) == {(champion, len(sample_sessions()))}


def test_an_artifact_that_was_changed_is_not_promoted(engine: sa.Engine, champion: str) -> None:
    second = register(engine, 2)
    with engine.begin() as connection:
        connection.execute(
            sa.text("update ev_model set artifact = artifact || '\\x00' where version = :version"),
            {"version": second},
        )
    with pytest.raises(PipelineError, match="SHA-256"):
        promote(engine, second, reason="", promoted_at=NOW)
    assert _shown(engine) == {(champion, len(sample_sessions()))}


class _Watcher:
    """Writes and deletes sessions, and reads labels, until told to stop."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.stop = threading.Event()
        self.seen: set[str] = set()
        self.n_reads = 0
        self.n_writes = 0
        self.longest_wait_s = 0.0

    def write(self) -> None:
        """As the stream does: hold the champion's row while sessions are stored."""
        while not self.stop.is_set():
            place = (self.n_writes * 20) % 7_000
            batch = sample_sessions()[place : place + 20]
            since = time.monotonic()
            with self.engine.begin() as connection:
                connection.exec_driver_sql(
                    "select version from ev_model where is_champion for share"
                ).all()
                delete(connection, batch["session_id"].to_list())
            with self.engine.begin() as connection:
                store(connection, batch)
            self.longest_wait_s = max(self.longest_wait_s, time.monotonic() - since)
            self.n_writes += 1

    def read(self) -> None:
        """Every look must see one champion and labels of no other."""
        while not self.stop.is_set():
            with self.engine.connect() as connection:
                row = connection.exec_driver_sql("""
                    select (select count(*) from ev_model where is_champion),
                        (select version from ev_model where is_champion),
                        array(select distinct model_version from ev_session_labelled
                            where model_version is not null)
                """).one()
            assert row[0] == 1
            assert row[2] == [row[1]]
            self.seen.add(row[1])
            self.n_reads += 1


def test_readers_beside_writers_see_one_champion_and_never_a_mixture(
    engine: sa.Engine, champion: str
) -> None:
    versions = [champion, register(engine, 2)]
    watcher = _Watcher(engine)
    with ThreadPoolExecutor(2) as pool:
        watching = [pool.submit(watcher.write), pool.submit(watcher.read)]
        try:
            for turn in range(6):
                promote(
                    engine,
                    versions[(turn + 1) % 2],
                    reason="turn",
                    promoted_at=NOW + timedelta(hours=turn + 1),
                )
        finally:
            watcher.stop.set()
        for future in watching:
            future.result()
    assert watcher.seen == set(versions)
    assert watcher.n_reads > 6
    assert watcher.n_writes > 6
    label_for_champion(engine, labelled_at=NOW)
    assert (_count(engine, MISSING)) == 0
    assert _count(engine, "select count(*) from ev_session") == len(sample_sessions())


@contextmanager
def _held(engine: sa.Engine, statement: str) -> Iterator[None]:
    """Something that a promotion will wait for."""
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
        yield


def _kill_when_waiting(
    engine: sa.Engine, version: str, environment: dict[str, str], hold: str
) -> None:
    """Start a promotion, and kill its process once it waits for what `hold` holds."""
    with _held(engine, hold):
        process: subprocess.Popen[bytes] = subprocess.Popen(
            [*PROMOTE, version], env=environment, stderr=subprocess.PIPE
        )
        deadline = time.monotonic() + 60
        while _count(engine, WAITING) == 0:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize(
    "hold",
    [
        pytest.param("lock table ev_session in access exclusive mode", id="while labelling"),
        pytest.param(
            "lock table ev_session_label in share update exclusive mode", id="while attaching"
        ),
        pytest.param("select from ev_model where is_champion for share", id="while flipping"),
    ],
)
def test_a_promotion_killed_on_the_way_leaves_the_old_champion_and_can_be_repeated(
    engine: sa.Engine, champion: str, environment: dict[str, Any], hold: str
) -> None:
    second = register(engine, 2)
    _kill_when_waiting(engine, second, environment, hold)
    assert _shown(engine) == {(champion, len(sample_sessions()))}
    repeated = subprocess.run(
        [*PROMOTE, second], env=environment, capture_output=True, text=True, check=False
    )
    assert repeated.returncode == 0, repeated.stderr
    assert _shown(engine) == {(second, len(sample_sessions()))}
    assert _count(engine, PARTITIONS) == 2
    assert (_count(engine, MISSING), _count(engine, ORPHANED)) == (0, 0)
