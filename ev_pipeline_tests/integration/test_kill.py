"""Trainings and promotions that die at random moments, by themselves or with their database.

They are simply repeated: the tables are then as without the death, and nobody who looked meanwhile
saw two champions, or a session without the champion's label.
"""

import multiprocessing
import random
import shutil
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from ev_pipeline.settings import Settings
from ev_pipeline.stack.credentials import OWNER
from ev_pipeline.storage.engine import connect
from ev_pipeline.storage.models_lock import models_lock
from ev_pipeline.storage.promotion import promote
from ev_pipeline_tests.conftest import quick_home
from ev_pipeline_tests.mortal_server import MortalServer, mortal_server
from ev_pipeline_tests.pipeline_runs import pipeline_runs
from ev_pipeline_tests.storage.sample import sample_sessions, store
from ev_pipeline_tests.storage.test_promotion import NOW
from ev_pipeline_tests.storage.trained import register

N_SESSIONS = 1_500
ENDS_WITHIN_S = 120
_LOOK_EVERY_S = 0.005
TRAINED = [
    "user_features",
    "station_features",
    "session_features",
    "kmeans_model",
    "dbscan_model",
    "isolation_forest_model",
    "champion_model",
    "session_labels",
]
HELD = {
    "labels": "select right(model_version, 8), to_jsonb(l) - 'model_version' - 'labelled_at'"
    " from ev_session_label l",
    "sessions": "select to_jsonb(f) from ev_session_features f",
    "users": "select to_jsonb(f) from ev_user_features f",
    "stations": "select to_jsonb(f) from ev_station_features f",
    "models": "select artifact_sha256, is_champion, promoted_at is null from ev_model",
    "parts": "select part, artifact_sha256 from ev_model_part",
    "partitions": "select right(relname, 8) from pg_class"
    " where relkind = 'r' and starts_with(relname, 'ev_session_label_')",
}
"""What is the same however often it took: all but times, and names that hold them."""
LOOK = """
    select (select count(*) from ev_model where is_champion),
        (select count(*) from ev_session_labelled where model_version is null
            or model_version <> (select version from ev_model where is_champion))
"""


def retrain(url: str) -> None:
    """Train, promote and label, with a model that is not the champion's."""
    with pipeline_runs(Settings(database_url=url, seed=7)) as runs:
        sys.exit(0 if runs.run("retrain", only=TRAINED).success else 1)


def promote_second(url: str) -> None:
    """Make the version champion that is not."""
    engine = connect(Settings(database_url=url))
    with engine.connect() as connection:
        second = connection.scalar(sa.text("select max(version) from ev_model"))
    with models_lock(engine, holder="promotion", wait_s=ENDS_WITHIN_S):
        promote(engine, str(second), reason="second", promoted_at=NOW.replace(year=2027))


Work = Callable[[str], None]
WORKS = [pytest.param(retrain, id="retrain"), pytest.param(promote_second, id="promotion")]


@dataclass
class Watcher:
    """Looks at champion and labels all the while, but for when the database is away.

    A moment passes between looks: they take as much of the machine as what is watched, otherwise.
    """

    url: str
    stop: threading.Event = field(default_factory=threading.Event)
    n_looks: int = 0
    wrong: list[Any] = field(default_factory=list)

    def watch(self) -> None:
        engine = sa.create_engine(self.url)
        while not self.stop.wait(_LOOK_EVERY_S):
            try:
                with engine.connect() as connection:
                    seen = tuple(connection.exec_driver_sql(LOOK).one())
            except OperationalError:
                continue  # the database is away
            self.n_looks += 1
            if seen != (1, 0):
                self.wrong.append(seen)
        engine.dispose()


@dataclass(frozen=True)
class Ground:
    """A database with a champion and a second version, of which each round gets a copy."""

    server: MortalServer
    name: str

    @contextmanager
    def copy(self) -> Iterator[str]:
        name = f"round_{uuid.uuid4().hex}"
        self.server.copy_database(name, self.name)
        yield self.server.url(OWNER.role, name)
        self.server.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    home = quick_home()
    with mortal_server(home) as server:
        engine = connect(Settings(database_url=server.url(OWNER.role, OWNER.database)))
        with engine.begin() as connection:
            store(connection, sample_sessions()[:N_SESSIONS])
        first, _ = register(engine, 1), register(engine, 2)
        promote(engine, first, reason="first", promoted_at=NOW)
        engine.dispose()
        yield Ground(server, OWNER.database)
    shutil.rmtree(home)


def _held(url: str) -> dict[str, list[str]]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        held = {
            table: sorted(str(_rounded(tuple(row))) for row in connection.exec_driver_sql(query))
            for table, query in HELD.items()
        }
    engine.dispose()
    return held


def _rounded(value: Any) -> Any:
    """Floats to twelve digits: threads add in any order, and the last digits tell which."""
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


def _start(work: Work, url: str) -> Any:
    # A process that has imported everything once, and forks: a start takes ms, not seconds.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=work, args=(url,), daemon=True)
    process.start()
    return process


def _finish(work: Work, url: str) -> float:
    began = monotonic()
    process = _start(work, url)
    process.join(ENDS_WITHIN_S)
    assert process.exitcode == 0
    return monotonic() - began


def _die_at_random(ground: Ground, work: Work, rounds: list[list[str]]) -> None:
    """In each round all its victims die, one after the other, before the work may end."""
    seed = uuid.uuid4().hex
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    with ground.copy() as url:
        duration_s = _finish(work, url)
        once = _held(url)
    assert len(once["labels"]) == 2 * N_SESSIONS  # the champion's, and for a rollback those before
    for victims in rounds:
        with ground.copy() as url, ThreadPoolExecutor(1) as pool:
            watcher = Watcher(url)
            watching = pool.submit(watcher.watch)
            delays_s = [chance.uniform(0.05, 1.0) * duration_s for _ in victims]
            try:
                for victim, delay_s in zip(victims, delays_s, strict=True):
                    _die(ground, work, url, victim, delay_s)
                _finish(work, url)
            finally:
                watcher.stop.set()
            watching.result()
            place = f"{victims} killed after {delays_s} s of {duration_s:.3f}, seed {seed}"
            assert watcher.wrong == [], place
            assert watcher.n_looks > 0, place
            assert _held(url) == once, place


def _die(ground: Ground, work: Work, url: str, victim: str, delay_s: float) -> None:
    process = _start(work, url)
    process.join(delay_s)
    if victim == "process":
        process.kill()
    else:
        ground.server.kill()
        ground.server.start()
    process.join(ENDS_WITHIN_S)


@pytest.mark.parametrize("work", WORKS)
def test_what_dies_at_random_moments_and_is_repeated_leaves_what_it_would_have_left(
    ground: Ground, work: Work
) -> None:
    _die_at_random(ground, work, [["process", "server"]])


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("work", WORKS)
def test_what_dies_at_a_random_moment_and_is_repeated_leaves_the_same_50_times(
    ground: Ground, work: Work
) -> None:
    _die_at_random(ground, work, [["process"], ["server"]] * 25)
