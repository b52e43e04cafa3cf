"""What backups in containers find elsewhere: the database of another one, the broker's volume."""

import shutil
from pathlib import Path

import pytest

from ev_pipeline.settings import load_settings
from ev_pipeline.stack.credentials import LOGINS, Credentials
from ev_pipeline.stack.exchange import take_place
from ev_pipeline.stack.kept import find_databases
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.restore_in_containers import keep_logins, place_broker_store


@pytest.mark.parametrize("host", ["postgres", "127.0.0.1"])
def test_the_database_of_another_container_is_elsewhere(
    home: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    layout = Layout(home)
    layout.make()
    Credentials.of_home(layout, 5432, host).hand_out(layout)
    monkeypatch.setenv("EV_HOME", str(home))
    monkeypatch.setenv("EV_POSTGRES_HOST", host)
    found = find_databases(load_settings())
    assert found.has_own is (host == "127.0.0.1")
    assert [url.host for url in found.elsewhere.values()] == ["postgres"] * (2 - 2 * found.has_own)


def test_the_brokers_volume_stays_and_has_what_waited(home: Path) -> None:
    layout = Layout(home)
    layout.make()
    layout.handed_out.mkdir()
    layout.mosquitto.mkdir()
    volume = layout.mosquitto.stat().st_ino
    mark = layout.run / "session-made"
    for text in ("it waits", None):
        staging = Layout(layout.restore_unfinished)
        staging.make()
        staging.mosquitto.mkdir()
        if text:
            staging.broker_store.write_text(text)
        mark.touch()
        take_place(staging, layout)
        place_broker_store(staging, layout)
        assert layout.mosquitto.stat().st_ino == volume
        assert [path.read_text() for path in layout.mosquitto.iterdir()] == ([text] if text else [])
        assert not mark.exists()
        shutil.rmtree(staging.home)


def test_the_database_keeps_its_passwords(home: Path) -> None:
    layout, staging = Layout(home), Layout(Layout(home).restore_unfinished)
    for each in (layout, staging):
        each.make()
        Credentials.of_home(each, 5432, "postgres").hand_out(each)
    keep_logins(layout, staging)
    for login in LOGINS:
        assert (staging.credentials / login.file).read_bytes() == (
            layout.credentials / login.file
        ).read_bytes()
