"""A load whose database is killed, or its disk full, leaves nothing, and is simply run again."""

import os
import random
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline.stack.credentials import OWNER
from ev_pipeline_tests.conftest import quick_home
from ev_pipeline_tests.intake.files import (
    assert_ledger_adds_up,
    assert_rollups_are_exact,
    dump,
    rows,
)
from ev_pipeline_tests.intake.test_kill import empty, load, start_load, write_every_fate
from ev_pipeline_tests.mortal_server import MortalServer, mortal_server

SMALL_DISK_MB = 400
"""What an empty database with its log takes is about 100 MB."""

LEFT_BYTES = 2_000_000
"""Of the small disk before the load, which needs some 20 MB."""


def _environment(server: MortalServer) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("EV_")}
    home = str(server.cluster.layout.home)
    url = server.url(OWNER.role, OWNER.database)
    return {**ours, "EV_HOME": home, "EV_DATABASE_URL": url}


@contextmanager
def _engine(server: MortalServer) -> Iterator[sa.Engine]:
    """Connections of this life of the server."""
    engine = sa.create_engine(server.url(OWNER.role, OWNER.database))
    yield engine
    engine.dispose()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_every_fate(tmp_path)


@pytest.fixture
def server() -> Iterator[MortalServer]:
    home = quick_home()
    with mortal_server(home) as server:
        yield server
    shutil.rmtree(home)


def _kill_at_random(server: MortalServer, path: Path, n_rounds: int) -> None:
    seed = uuid.uuid4().hex
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    environment = _environment(server)
    with _engine(server) as engine:
        nothing = dump(engine)
        duration_s = load(path, environment)
        once = dump(engine)
        load(path, environment)
        twice = dump(engine)
    for _ in range(n_rounds):
        with _engine(server) as engine:
            empty(engine)
        delay_s = chance.uniform(0.2 * duration_s, duration_s)
        place = f"killed after {delay_s:.3f} s of {duration_s:.3f}, seed {seed}"
        with start_load(path, environment) as process:
            try:
                process.communicate(timeout=delay_s)
            except subprocess.TimeoutExpired:
                server.kill()
                _, errors = process.communicate()
                assert process.returncode in (0, 1), place
                assert errors.decode().count("error:") == process.returncode, errors.decode()
            else:
                server.kill()
        server.start()
        with _engine(server) as engine:
            is_committed = rows(engine, "select count(*) from ev_load") == [1]
            if not is_committed:
                assert dump(engine) == nothing, place
            load(path, environment)
            assert dump(engine) == (twice if is_committed else once), place
            assert_ledger_adds_up(engine)
            assert_rollups_are_exact(engine, Settings().timezone)


def test_a_load_whose_database_is_killed_and_that_is_run_again_leaves_the_same_tables(
    server: MortalServer, tmp_path: Path
) -> None:
    _kill_at_random(server, write_every_fate(tmp_path, n_sessions=5_000), 2)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_load_whose_database_is_killed_and_that_is_run_again_leaves_the_same_tables_50_times(
    server: MortalServer, path: Path
) -> None:
    _kill_at_random(server, path, 50)


@contextmanager
def _small_disk() -> Iterator[Path]:
    """A home on a file system of its own; only root may make one."""
    home = quick_home()
    size = f"size={SMALL_DISK_MB}m,mode=755"
    try:
        mounted = subprocess.run(
            ["/bin/mount", "-t", "tmpfs", "-o", size, "ev-small-disk", str(home)],
            capture_output=True,
            text=True,
            check=False,
        )
        if mounted.returncode != 0:
            pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
        try:
            yield home
        finally:
            subprocess.run(["/bin/umount", str(home)], check=True)
    finally:
        home.rmdir()


def _fill(disk: Path) -> Path:
    """A file that leaves `LEFT_BYTES` of the disk."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - LEFT_BYTES)
    return filler


def test_a_full_disk_is_one_line_and_once_there_is_room_the_load_is_simply_repeated(
    path: Path,
) -> None:
    with ExitStack() as stack:
        disk = stack.enter_context(_small_disk())
        server = stack.enter_context(mortal_server(disk))
        environment = _environment(server)
        with _engine(server) as engine:
            nothing = dump(engine)
            load(path, environment)
            once = dump(engine)
            empty(engine)
            engine.dispose()
            filler = _fill(disk)
            with start_load(path, environment) as process:
                _, errors = process.communicate()
            assert process.returncode == 1, errors.decode()
            (line,) = errors.decode().splitlines()
            assert line.startswith("error: "), line
            assert "see `ev-pipeline doctor`, then try again" in line
        server.kill()  # a server that could not write its log has ended already
        filler.unlink()
        server.start()
        with _engine(server) as engine:
            assert dump(engine) == nothing
            load(path, environment)
            assert dump(engine) == once
