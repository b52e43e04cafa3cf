import os
import re
import shutil
import signal
import stat
import subprocess
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.stack.cluster import Cluster
from ev_pipeline.stack.credentials import DAGSTER, LOGINS, OWNER, READER, Login
from ev_pipeline.stack.dagster_home import libpq
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.local import supervise
from ev_pipeline.stack.postgres import prepare, renew_passwords
from ev_pipeline.stack.postmaster import LOCK_FILE, require_unserved
from ev_pipeline.stack.serving import served
from ev_pipeline_tests.conftest import free_port


@pytest.fixture
def fresh(home: Path) -> Settings:
    return Settings(home=home, postgres_port=free_port())


def _execute(cluster: Cluster, login: Login, sql: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(libpq(cluster.credentials.url(login)))) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def test_each_role_may_do_what_it_is_for_and_no_more(fresh: Settings) -> None:
    cluster = prepare(fresh)
    with served(cluster):
        _execute(cluster, OWNER, "create table t as select 1 as x")
        assert _execute(cluster, READER, "select x from t") == [(1,)]
        with pytest.raises(psycopg2.Error, match="read-only transaction"):
            _execute(cluster, READER, "insert into t values (2)")
        with pytest.raises(psycopg2.Error, match="permission denied for table t"):
            _execute(cluster, READER, "set transaction_read_only = off; insert into t values (2)")
        _execute(cluster, DAGSTER, "create table d (x int)")
        url = libpq(cluster.credentials.url(DAGSTER)).rpartition("/")[0] + "/ev"
        with pytest.raises(psycopg2.Error, match="permission denied for database"):
            psycopg2.connect(url)
        assert _execute(cluster, OWNER, "show fsync") == [("on",)]
        assert _execute(cluster, OWNER, "show synchronous_commit") == [("on",)]
        assert _execute(cluster, OWNER, "show data_checksums") == [("on",)]
        assert _execute(cluster, OWNER, "show server_encoding") == [("UTF8",)]
        assert _execute(cluster, OWNER, "show listen_addresses") == [("127.0.0.1",)]


def test_passwords_are_private_kept_and_neither_in_arguments_nor_logs(fresh: Settings) -> None:
    cluster = prepare(fresh)
    passwords = [cluster.credentials.password(login) for login in LOGINS]
    assert len(set(passwords)) == len(LOGINS)
    with served(cluster) as server:
        arguments = Path(f"/proc/{server.pid}/cmdline").read_text()
        assert not any(password in arguments for password in passwords)
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(libpq(cluster.credentials.url(OWNER)).replace(passwords[1], "wrong"))
    texts = [log.read_text() for log in (fresh.home / "logs").iterdir()]
    assert not any(password in text for password in passwords for text in texts)
    directory = Layout(fresh.home).credentials
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}

    renew_passwords(fresh)
    renewed = prepare(fresh)
    with served(renewed):
        for login, old in zip(LOGINS, passwords, strict=True):
            assert renewed.credentials.password(login) != old
            assert _execute(renewed, login, "select 1") == [(1,)]
    passwords = [renewed.credentials.password(login) for login in LOGINS]

    other_port = Settings(home=fresh.home, postgres_port=free_port())
    again = prepare(other_port)
    assert [again.credentials.password(login) for login in LOGINS] == passwords
    with served(again):
        assert again.trouble() is None
        assert str(other_port.postgres_port) in (directory / "database.env").read_text()


def test_lost_credentials_are_made_anew_and_the_data_stays(fresh: Settings) -> None:
    cluster = prepare(fresh)
    with served(cluster):
        _execute(cluster, OWNER, "create table t as select 1 as x")
    shutil.rmtree(Layout(fresh.home).credentials)
    again = prepare(fresh)
    with served(again):
        assert _execute(again, READER, "select x from t") == [(1,)]


def test_an_interrupted_initialisation_is_done_again(fresh: Settings) -> None:
    unfinished = Layout(fresh.home).postgres_unfinished
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("15\n")
    cluster = prepare(fresh)
    assert not unfinished.exists()
    with served(cluster):
        assert cluster.trouble() is None


def test_a_half_data_directory_is_reported_and_left_alone(fresh: Settings) -> None:
    data = Layout(fresh.home).postgres
    prepare(fresh)
    (data / "global" / "pg_control").unlink()
    before = sorted(data.rglob("*"))
    with pytest.raises(PipelineError, match="not a complete PostgreSQL data directory") as caught:
        prepare(fresh)
    assert f"mv {data}" in caught.value.mend
    assert sorted(data.rglob("*")) == before


def test_data_of_another_version_is_reported_and_left_alone(fresh: Settings) -> None:
    data = Layout(fresh.home).postgres
    prepare(fresh)
    (data / "PG_VERSION").write_text("12\n")
    with pytest.raises(PipelineError, match="the stored data needs PostgreSQL 12"):
        prepare(fresh)
    assert (data / "PG_VERSION").read_text() == "12\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_data_of_another_user_is_reported(fresh: Settings) -> None:
    data = Layout(fresh.home).postgres
    prepare(fresh)
    os.chown(data, 12345, 12345)
    with pytest.raises(PipelineError, match="belongs to user 12345") as caught:
        prepare(fresh)
    assert "chown -R" in caught.value.mend


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands over to another user")
def test_a_home_that_the_server_cannot_reach_is_reported(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    unreachable = Settings(home=tmp_path / "home", postgres_port=free_port())
    with pytest.raises(PipelineError, match="who may not enter") as caught:
        supervise(unreachable, report=print, migrate=print, when_healthy=print)
    assert "EV_HOME=" in caught.value.mend
    assert not (tmp_path / "home").exists()


def test_a_server_that_was_killed_starts_again_with_its_data(fresh: Settings) -> None:
    cluster = prepare(fresh)
    with served(cluster) as server:
        _execute(cluster, OWNER, "create table t as select 1 as x")
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
    assert (Layout(fresh.home).postgres / LOCK_FILE).exists()
    again = prepare(fresh)
    with served(again):
        assert _execute(again, OWNER, "select x from t") == [(1,)]


def test_a_stale_lock_whose_number_is_another_program_is_removed(fresh: Settings) -> None:
    cluster = prepare(fresh)
    lock = Layout(fresh.home).postgres / LOCK_FILE
    account = cluster.account
    with subprocess.Popen(
        ["/bin/sleep", "60"], user=account.uid if account else None
    ) as other_program:
        lock.write_text(f"{other_program.pid}\n{lock.parent}\n")
        with served(prepare(fresh)) as server:
            assert server.poll() is None
        other_program.kill()


def test_a_server_that_runs_already_is_not_disturbed(fresh: Settings) -> None:
    cluster = prepare(fresh)
    with served(cluster) as server:
        with pytest.raises(PipelineError, match=f"process {server.pid}"):
            require_unserved(Layout(fresh.home).postgres)
        assert cluster.trouble() is None


def test_a_full_disk_is_one_line_and_leaves_nothing_behind(small_disk: Path) -> None:
    settings = Settings(home=small_disk, postgres_port=free_port())
    with pytest.raises(PipelineError, match="the disk is full") as caught:
        prepare(settings)
    assert re.search("free about .* MB", caught.value.mend)
    layout = Layout(small_disk)
    assert not layout.postgres.exists()
    assert not layout.postgres_unfinished.exists()
