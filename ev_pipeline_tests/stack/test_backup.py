"""A backup holds everything, and a restore brings it back, or nothing."""

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Final

import psycopg2
import pytest
import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.accounts import AccountBook
from ev_pipeline.messaging.durable import DURABLE_TOPICS, establish
from ev_pipeline.messaging.handshake import log_in
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.session import DURABLE_S, Session
from ev_pipeline.settings import Settings
from ev_pipeline.stack.backup import UNFINISHED, back_up
from ev_pipeline.stack.broker import prepare_broker
from ev_pipeline.stack.broker_credentials import credentials_path, stack_client_id, stored_password
from ev_pipeline.stack.containers import initialise
from ev_pipeline.stack.credentials import DAGSTER, OWNER, READER
from ev_pipeline.stack.dagster_home import libpq
from ev_pipeline.stack.exchange import put_back, take_place
from ev_pipeline.stack.handing_out import USER_KEY
from ev_pipeline.stack.kept import DUMPS
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.manifest import FILE
from ev_pipeline.stack.postgres import prepare
from ev_pipeline.stack.restore import (
    hand_out,
    missing_key,
    open_backup,
    require_restored,
    restore_home,
)
from ev_pipeline.stack.serving import served
from ev_pipeline.stack.user_key import read_user_key
from ev_pipeline.storage.engine import connect
from ev_pipeline.storage.labels import count_missing
from ev_pipeline.storage.promotion import label_for_champion
from ev_pipeline.storage.registry import read_champion
from ev_pipeline.storage.rollups import compact
from ev_pipeline.storage.tables.schema import SCHEMA
from ev_pipeline_tests.conftest import PostgresServer, free_port, quick_home
from ev_pipeline_tests.intake.files import a_session, assert_rollups_are_exact
from ev_pipeline_tests.intake.streaming import Delivery, deliver
from ev_pipeline_tests.messaging.listening import WITHIN_S, listening
from ev_pipeline_tests.running_broker import RunningBroker, running_broker
from ev_pipeline_tests.stack.processes import processes_of, wait_until
from ev_pipeline_tests.storage.earlier import rows_of
from ev_pipeline_tests.storage.filled import fill
from ev_pipeline_tests.storage.sample import SESSIONS

NOW: Final = datetime(2026, 5, 4, 3, tzinfo=UTC)

NUMBERED_ANEW: Final = {"xid", "horizon"}
"""Columns that hold numbers of a server's transactions."""


@dataclass(frozen=True)
class Source:
    """What a backup was taken of, while it goes on."""

    settings: Settings
    broker: RunningBroker
    charger: Login
    engine: sa.Engine
    backup: Path

    def back_up(self, directory: Path) -> None:
        back_up(self.settings, directory, version="1", now=NOW, report=lambda _: None)


@pytest.fixture(scope="module")
def source(migrated: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """A broker with a queue and an account of its own, and databases that are served elsewhere."""
    with ExitStack() as stack:
        urls = []
        for template in (OWNER.database, "template1"):
            name = f"test_{uuid.uuid4().hex}"
            migrated.copy_database(name, template)
            stack.callback(migrated.execute, f"drop database {name} with (force)")
            urls.append(migrated.url(OWNER.role, name))
        broker = stack.enter_context(running_broker(quick_home(), free_port()))
        charger = broker.add_charger(scope="north")
        establish(broker.login("stream"), stack_client_id(broker.layout, "stream"))
        with listening(charger) as sender:
            sent = sender.client.publish(topics.sessions(charger.username), b"it waits")
            assert sent.result(WITHIN_S).is_accepted
        store = broker.layout.broker_store
        wait_until(lambda: store.exists() and b"it waits" in store.read_bytes(), within_s=WITHIN_S)
        settings = broker.settings.model_copy(
            update={
                "database_url": urls[0],
                "dagster_database_url": urls[1],
                "timezone": "Europe/Lisbon",
            }
        )
        engine = connect(settings)
        stack.callback(engine.dispose)
        fill(engine, settings, tmp_path_factory.mktemp("loads"), SESSIONS)
        with engine.begin() as connection:  # what no reader has read yet
            deliver(connection, settings, [Delivery(a_session(session_id="T", station_id="T"))])
        dagster = connect(settings.model_copy(update={"database_url": urls[1]}))
        with dagster.begin() as connection:
            connection.exec_driver_sql("create table runs as select 7 as id")
        dagster.dispose()
        directory = tmp_path_factory.mktemp("backups") / "first"
        made = Source(settings, broker, charger, engine, directory)
        made.back_up(directory)
        yield made


def _restored(home: Path, backup: Path, *, is_replacing: bool = False) -> Settings:
    settings = Settings(
        home=home, postgres_port=free_port(), mqtt_port=free_port(), timezone="Europe/Lisbon"
    )
    _restore(settings, backup, is_replacing=is_replacing)
    hand_out(settings)
    return settings


def _restore(settings: Settings, backup: Path, *, is_replacing: bool) -> None:
    manifest = open_backup(backup)
    restore_home(settings, backup, manifest, is_replacing=is_replacing, report=lambda _: None)


@pytest.fixture(scope="module")
def restored(source: Source) -> Iterator[Settings]:
    """A home into which the backup was restored; the last test, a long one, replaces it."""
    home = quick_home()
    yield _restored(home, source.backup)
    shutil.rmtree(home)


def _same(source: sa.Engine, restored: sa.Engine) -> None:
    for table in SCHEMA.sorted_tables:
        columns = sorted(set(table.columns.keys()) - NUMBERED_ANEW)
        found = rows_of(restored, table.name, columns)
        assert found == rows_of(source, table.name, columns), table.name
    filled = [table for table in SCHEMA.sorted_tables if rows_of(source, table.name, ["1"])]
    assert len(filled) > 15


def test_what_is_restored_elsewhere_is_the_same_and_goes_on(
    source: Source, restored: Settings
) -> None:
    settings = restored
    assert not Layout(restored.home).restore_unfinished.exists()
    cluster = prepare(settings)
    assert not cluster.credentials.is_new
    with served(cluster):
        assert _answer(cluster.credentials.url(READER), "select count(*) > 1000 from ev_session")
        assert _answer(cluster.credentials.url(DAGSTER), "select id from runs") == 7
        engine = connect(
            settings.model_copy(update={"database_url": cluster.credentials.url(OWNER)})
        )
        _same(source.engine, engine)
        with engine.begin() as connection:
            deliver(connection, settings, [Delivery(a_session(session_id="new", station_id="N"))])
        assert compact(engine, settings) == 2, "the new one, and the one that nobody had read"
        assert_rollups_are_exact(engine, settings.timezone)
        assert label_for_champion(engine, labelled_at=NOW).n_labels == 2
        with engine.connect() as connection:
            champion = read_champion(connection)
            assert champion is not None
            assert count_missing(connection, champion.version) == 0
        engine.dispose()


def _answer(url: str, sql: str) -> object:
    with closing(psycopg2.connect(libpq(url))) as connection:
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor.fetchall()[0][0]


def test_chargers_keep_their_password_and_what_waited_still_waits(
    source: Source, restored: Settings
) -> None:
    home = restored.home
    layout, theirs = Layout(home), source.broker.layout
    assert AccountBook(home).accounts() == AccountBook(theirs.home).accounts()
    assert layout.authority.read_bytes() == theirs.authority.read_bytes()
    assert stored_password(layout, source.charger.username) == source.charger.password
    text = credentials_path(layout, source.charger.username).read_text()
    assert f"EV_MQTT_CA_FILE={layout.authority}\n" in text
    private = [*layout.credentials.iterdir(), layout.authority_key, home / "accounts.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    moved = RunningBroker(restored, prepare_broker(restored, datetime.now(tz=UTC)))
    moved.start()
    try:
        log_in(replace(source.charger, port=restored.mqtt_port)).close()  # by its old authority
        session = Session(client_id=stack_client_id(layout, "stream"), expiry_s=DURABLE_S)
        with listening(moved.login("stream"), *DURABLE_TOPICS, session=session) as worker:
            assert worker.take().payload == b"it waits"
    finally:
        moved.stop()


def test_the_key_of_users_ids_is_in_the_backup_wherever_it_lies(
    source: Source, tmp_path: Path
) -> None:
    file = tmp_path / "elsewhere.key"
    named = replace(source, settings=source.settings.model_copy(update={"user_id_key_file": file}))
    with pytest.raises(PipelineError, match="the key of users' ids cannot be read"):
        named.back_up(tmp_path / "backup")
    assert list(tmp_path.iterdir()) == []
    file.write_text(f"{'5e' * 32}\n")
    named.back_up(tmp_path / "backup")
    manifest = open_backup(tmp_path / "backup")
    assert f"home/{USER_KEY}" in manifest.files
    kept = Settings(home=tmp_path / "backup" / "home")
    assert read_user_key(kept) == bytes.fromhex("5e" * 32)
    file.unlink()
    assert missing_key(named.settings) == file
    assert missing_key(kept) is None


def test_a_backup_is_private_and_says_what_it_is(source: Source) -> None:
    manifest = json.loads((source.backup / FILE).read_text())
    assert manifest["format"] == 1
    assert manifest["created_at"] == NOW.isoformat()
    paths = [path for path in source.backup.rglob("*") if path.is_file()]
    names = {path.relative_to(source.backup).as_posix() for path in paths}
    assert names - {FILE} == set(manifest["files"])
    wanted = {"database.dump", "dagster.dump", "home/certificates/ca.key", "home/accounts.json"}
    assert wanted | {"home/mosquitto/mosquitto.db"} <= names
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    folders = [source.backup, *(path for path in source.backup.rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}


def test_a_backup_replaces_nothing(source: Source) -> None:
    with pytest.raises(PipelineError, match="a backup replaces nothing"):
        source.back_up(source.backup)
    assert open_backup(source.backup).files


def test_a_backup_that_is_killed_is_none_and_does_not_stand_in_the_way(
    source: Source, tmp_path: Path
) -> None:
    directory = tmp_path / "killed"
    unfinished = directory.with_name(directory.name + UNFINISHED)
    environment = {
        **os.environ,
        "EV_HOME": str(source.settings.home),
        "EV_DATABASE_URL": str(source.settings.database_url),
        "EV_DAGSTER_DATABASE_URL": str(source.settings.dagster_database_url),
    }
    command = [sys.executable, "-m", "ev_pipeline.cli.main", "backup", str(directory)]
    with source.engine.begin() as connection:
        connection.exec_driver_sql("lock table ev_session in access exclusive mode")
        with subprocess.Popen(command, env=environment) as process:
            wait_until((unfinished / "database.dump").exists, within_s=60)
            with pytest.raises(PipelineError, match="another backup is being written there"):
                source.back_up(directory)
            process.send_signal(signal.SIGKILL)
    assert not directory.exists()
    with pytest.raises(PipelineError, match="this is no backup"):
        open_backup(unfinished)
    source.back_up(directory)
    assert not unfinished.exists()
    assert open_backup(directory).files


def test_a_full_disk_is_one_line_and_no_backup(source: Source, small_disk: Path) -> None:
    others = small_disk / "others"
    others.write_bytes(bytes(15_800_000))
    with pytest.raises(PipelineError, match="the disk is full"):
        source.back_up(small_disk / "backup")
    assert list(small_disk.iterdir()) == [others]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is another user at will")
def test_a_file_that_may_not_be_read_is_named(source: Source, home: Path) -> None:
    shutil.copytree(source.settings.home, home, dirs_exist_ok=True)
    key, nobody = Layout(home).authority_key, pwd.getpwnam("nobody").pw_uid
    for path in (home, *home.rglob("*")):
        os.chown(path, 0 if path == key else nobody, -1)
    theirs = replace(source, settings=source.settings.model_copy(update={"home": home}))
    os.seteuid(nobody)
    try:
        with pytest.raises(PipelineError, match="it cannot be read") as caught:
            theirs.back_up(home / "backup")
    finally:
        os.seteuid(0)
    assert str(key) in str(caught.value)
    assert "as the user who started the stack" in caught.value.mend
    assert not (home / "backup").exists()


@pytest.mark.parametrize("name", ["database.dump", "home/accounts.json"])
def test_a_file_that_was_changed_or_lost_is_named(
    source: Source, tmp_path: Path, name: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(source.backup, copy)
    (copy / name).write_bytes(b"x" + (copy / name).read_bytes()[1:])
    with pytest.raises(PipelineError, match=f"{name}: the file is not what the backup wrote"):
        open_backup(copy)
    (copy / name).unlink()
    with pytest.raises(PipelineError, match=f"{name}: the file is missing"):
        open_backup(copy)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("schema_revision", "9999", "schema is 9999, which this version does not know"),
        ("format", 2, "its format is 2"),
        ("files", {"../x": {"sha256": "", "n_bytes": 0}}, "not a backup's manifest"),
        ("files", None, "not a backup's manifest"),
    ],
)
def test_a_backup_of_a_newer_version_or_of_something_else_is_refused(
    source: Source, tmp_path: Path, field: str, value: object, said: str
) -> None:
    document = {**json.loads((source.backup / FILE).read_text()), field: value}
    (tmp_path / FILE).write_text(json.dumps(document))
    with pytest.raises(PipelineError, match=said):
        open_backup(tmp_path)


def test_a_home_that_holds_something_is_replaced_only_when_told(source: Source) -> None:
    home = source.settings.home
    before = (home / "accounts.json").read_bytes()
    with pytest.raises(PipelineError, match="holds a stack already") as caught:
        _restored(home, source.backup)
    assert "--replace" in caught.value.mend
    assert (home / "accounts.json").read_bytes() == before


def test_a_restore_that_was_killed_while_it_took_its_place_is_told_by_the_next_start(
    home: Path,
) -> None:
    layout = Layout(home)
    layout.make()
    layout.restore_mark.touch()
    with pytest.raises(PipelineError, match="a restore was interrupted here") as caught:
        require_restored(layout)
    assert "restore DIR --replace" in caught.value.mend


def test_a_database_elsewhere_is_filled_only_if_it_is_empty(
    source: Source, migrated: PostgresServer, home: Path
) -> None:
    names = [f"test_{uuid.uuid4().hex}" for _ in DUMPS]
    for name in names:
        migrated.execute(f"create database {name} owner {OWNER.role}")
    urls = [migrated.url(OWNER.role, name) for name in names]
    settings = Settings(home=home, database_url=urls[0], dagster_database_url=urls[1])
    _restore(settings, source.backup, is_replacing=False)
    engine = connect(settings)
    _same(source.engine, engine)
    engine.dispose()
    assert not Layout(home).postgres.exists()
    shutil.rmtree(home / "credentials")
    with pytest.raises(PipelineError, match=r"the database holds \d+ tables already"):
        _restore(settings, source.backup, is_replacing=True)
    for name in names:
        migrated.execute(f"drop database {name} with (force)")


def test_a_home_of_containers_takes_a_backup_and_keeps_its_databases_passwords(
    source: Source, migrated: PostgresServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"test_{uuid.uuid4().hex}" for _ in DUMPS]
    for name in names:
        migrated.execute(f"create database {name} owner {OWNER.role}")
    urls = [migrated.url(OWNER.role, name) for name in names]
    settings = Settings(
        home=home,
        database_url=urls[0],
        dagster_database_url=urls[1],
        postgres_host="localhost",
        mqtt_port=free_port(),
    )
    # The tests' server speaks no TLS, without which nobody is let in there.
    monkeypatch.setattr(
        "ev_pipeline.stack.restore_in_containers.prepare_database", lambda _settings: None
    )
    initialise(settings, datetime.now(tz=UTC))
    layout = Layout(home)
    password = (layout.credentials / OWNER.file).read_bytes()
    _restore(settings, source.backup, is_replacing=True)
    hand_out(settings)
    assert (layout.credentials / OWNER.file).read_bytes() == password
    assert AccountBook(home).accounts() == AccountBook(source.settings.home).accounts()
    assert b"it waits" in layout.broker_store.read_bytes()
    assert (layout.mosquitto / "mosquitto.conf").exists(), "its directory is a volume, and stays"
    copy = Layout(layout.handed_out / "stream")
    assert copy.authority.read_bytes() == source.broker.layout.authority.read_bytes()
    engine = connect(settings)
    _same(source.engine, engine)
    engine.dispose()
    for name in names:
        migrated.execute(f"drop database {name} with (force)")


def _exchange_fails(monkeypatch: pytest.MonkeyPatch, *, after: int, is_back: bool) -> None:
    """Whatever moves files is interrupted after so many; and then goes on, or is gone for good."""
    rename, calls = Path.rename, count()

    def interrupted(path: Path, target: Path) -> Path:
        number = next(calls)
        if number == after or (number > after and not is_back):
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)


@pytest.mark.parametrize("after", range(1, 8))
def test_an_exchange_that_is_interrupted_leaves_the_home_as_it_was(
    home: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    layout = Layout(home)
    staging = Layout(layout.restore_unfinished)

    def fill() -> dict[str, bytes]:
        for each, text in ((layout, "old"), (staging, "new")):
            for folder in (each.credentials, each.certificates):
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "secret").write_text(text)
            (each.home / "accounts.json").write_text(text)
        (staging.home / "postgres").mkdir()
        (home / "stack.env").write_text("old")  # which this backup has none of
        return held()

    def held() -> dict[str, bytes]:
        files = [path for path in home.rglob("*") if path.is_file()]
        mine = [path for path in files if staging.home not in path.parents]
        return {path.relative_to(home).as_posix(): path.read_bytes() for path in mine}

    before = fill()
    with monkeypatch.context() as patch:
        _exchange_fails(patch, after=after, is_back=True)
        with pytest.raises(KeyboardInterrupt):
            take_place(staging, layout)
    assert held() == before
    shutil.rmtree(staging.home)
    fill()
    with monkeypatch.context() as patch:  # as when it is killed
        _exchange_fails(patch, after=after, is_back=False)
        with pytest.raises(KeyboardInterrupt):
            take_place(staging, layout)
    with pytest.raises(PipelineError, match="a restore was interrupted here"):
        require_restored(layout)
    put_back(staging, layout)
    assert held() == before
    assert not layout.postgres.exists()
    require_restored(layout)


def test_a_restore_after_one_that_was_killed_does_not_lose_what_the_home_held(
    source: Source, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(home)
    layout.make()
    (layout.credentials / "precious").write_text("old")
    staging = Layout(layout.restore_unfinished)
    staging.make()
    with monkeypatch.context() as patch:
        _exchange_fails(patch, after=2, is_back=False)
        with pytest.raises(KeyboardInterrupt):
            take_place(staging, layout)
    assert not (layout.credentials / "precious").exists()
    settings = Settings(home=home, postgres_bin=tmp_path)  # where there is none, so that it fails
    for _ in range(2):
        with pytest.raises(PipelineError):
            _restore(settings, source.backup, is_replacing=True)
        assert (layout.credentials / "precious").read_text() == "old"
        assert not staging.home.exists()


def test_a_secret_is_nobody_elses_while_it_is_being_restored(
    source: Source, home: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    shutil.copytree(source.backup, backup)
    manifest = open_backup(backup)
    key = backup / "home/certificates/ca.key"
    key.unlink()
    os.mkfifo(key)
    settings = Settings(home=home, postgres_bin=tmp_path)  # where there is none, so that it ends
    target = Layout(Layout(home).restore_unfinished).authority_key

    def restore() -> None:
        with pytest.raises(PipelineError, match="PostgreSQL"):
            restore_home(settings, backup, manifest, is_replacing=False, report=lambda _: None)

    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(restore)
        with key.open("wb"):  # it is read until this is closed
            wait_until(target.exists, within_s=20)
            assert stat.S_IMODE(target.stat().st_mode) == 0o600
        done.result()


@pytest.mark.long
def test_a_restore_that_is_killed_leaves_the_home_as_it_was(
    source: Source, restored: Settings
) -> None:
    home, layout = restored.home, Layout(restored.home)
    written = layout.postgres / "written-before"
    written.touch()
    command = [sys.executable, "-m", "ev_pipeline.cli.main", "restore", str(source.backup)]
    environment = {**os.environ, "EV_HOME": str(home)}
    asked = subprocess.run(
        [*command, "--replace"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 1
    assert "there is nobody to ask" in asked.stderr
    with subprocess.Popen([*command, "--replace", "--yes"], env=environment) as process:
        staged = Layout(layout.restore_unfinished)
        wait_until(staged.postgres.exists, within_s=60)
        process.send_signal(signal.SIGKILL)
    assert written.exists()
    assert not layout.restore_mark.exists()
    wait_until(lambda: not processes_of(home), within_s=60)
    replacing = _restored(home, source.backup, is_replacing=True)
    assert not written.exists()
    assert not layout.restore_unfinished.exists()
    with served(prepare(replacing)):
        pass
