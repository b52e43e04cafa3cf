"""Accounts on disk and at a running broker."""

import json
import os
import re
import shutil
import stat
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ev_pipeline.cli.main import app
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.accounts import AccountBook, BrokerAccount, Role
from ev_pipeline.messaging.login import Login
from ev_pipeline.settings import LOGIN, Settings, load_settings
from ev_pipeline.stack import broker_accounts, broker_credentials, dagster_home
from ev_pipeline.stack.account import server_account
from ev_pipeline.stack.account_lists import add_all, read_list
from ev_pipeline.stack.broker import await_login, broker_reach
from ev_pipeline.stack.credentials import Credentials
from ev_pipeline.stack.layout import Layout
from ev_pipeline_tests.conftest import free_port
from ev_pipeline_tests.messaging.listening import WITHIN_S, listening
from ev_pipeline_tests.running_broker import RunningBroker, prepared
from ev_pipeline_tests.stack.processes import wait_until


def test_keys_and_passwords_are_private_and_passwords_only_hashed(broker: RunningBroker) -> None:
    layout = broker.layout
    private = [
        layout.authority_key,
        layout.broker_key,
        layout.home / "accounts.json",
        *layout.mosquitto.iterdir(),
        *layout.credentials.iterdir(),
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    assert stat.S_IMODE(layout.mosquitto.stat().st_mode) == 0o700
    assert stat.S_IMODE(layout.authority.stat().st_mode) == 0o644
    password = broker.login("charger-1").password
    kept = [layout.home / "accounts.json", *layout.mosquitto.iterdir(), broker.log]
    assert not any(password in path.read_text(errors="replace") for path in kept)
    lines = (layout.mosquitto / "passwords").read_text().splitlines()
    pattern = r"[a-z0-9][a-z0-9_-]{0,62}:\$7\$101\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}=="
    assert all(re.fullmatch(pattern, line) for line in lines)


def test_accounts_come_and_go_without_a_restart(own_broker: RunningBroker) -> None:
    charger = own_broker.add_charger(source="dundee", scope="north")
    book = AccountBook(own_broker.layout.home)
    expected = BrokerAccount(charger.username, Role.CHARGER, "dundee", "north")
    assert book.accounts()[charger.username] == expected
    with listening(charger) as connected:
        with broker_accounts.edited(own_broker.layout, owner=server_account()) as registry:
            broker_accounts.remove(registry, charger.username)
        own_broker.reload()
        await_login(charger, is_welcome=False)
        wait_until(lambda: not connected.client.is_connected, within_s=WITHIN_S)
    assert charger.username not in book.accounts()
    assert not broker_credentials.credentials_path(own_broker.layout, charger.username).exists()
    assert charger.username not in (own_broker.layout.mosquitto / "access").read_text()


def test_a_removal_is_not_told_before_the_broker_refuses_the_account(
    own_broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ev_pipeline.stack.broker.TAKE_UP_S", 0)
    environment = {
        "EV_HOME": str(own_broker.layout.home),
        "EV_BROKER_HOST": "127.0.0.1",  # who watches its files by itself, which this one does not
        "EV_MQTT_PORT": str(own_broker.settings.mqtt_port),
    }
    removed = CliRunner().invoke(app, ["accounts", "remove", "charger-2"], env=environment)
    assert isinstance(removed.exception, PipelineError)
    assert "it lets the account in" in str(removed.exception)


def test_a_new_password_cuts_off_whoever_has_the_old_one(own_broker: RunningBroker) -> None:
    charger = own_broker.add_charger(source="dundee", scope="north")
    other = own_broker.add_charger()
    before = AccountBook(own_broker.layout.home).accounts()
    with listening(charger) as connected, listening(other) as bystander:
        with broker_accounts.edited(own_broker.layout, owner=server_account()) as registry:
            names = [charger.username]
            (login,) = broker_accounts.rotate(registry, names, broker_reach(own_broker.settings))
        own_broker.reload()
        await_login(login, is_welcome=True)
        await_login(charger, is_welcome=False)
        wait_until(lambda: not connected.client.is_connected, within_s=WITHIN_S)
        assert bystander.client.is_connected
    assert login.password != charger.password
    assert own_broker.login(charger.username) == login
    assert AccountBook(own_broker.layout.home).accounts() == before


@pytest.mark.parametrize("name", ["stream", "dagster", "nodered", "simulator"])
def test_in_containers_a_services_password_stays_while_their_broker_is_up(
    broker: RunningBroker, home: Path, name: str
) -> None:
    layout = Layout(home)
    shutil.copytree(broker.layout.home, home, dirs_exist_ok=True)
    layout.handed_out.mkdir()
    before = broker.login(name).password

    def rotate() -> str:
        with broker_accounts.edited(layout, owner=server_account()) as registry:
            reach = broker_reach(broker.settings.model_copy(update={"mqtt_port": port}))
            return broker_accounts.rotate(registry, [name], reach)[0].password

    port = broker.settings.mqtt_port
    with pytest.raises(PipelineError, match=f"services use the account {name}, and they are up"):
        rotate()
    assert broker_credentials.stored_password(layout, name) == before
    port = free_port()  # where no broker is
    assert rotate() == broker_credentials.stored_password(layout, name) != before


@pytest.mark.parametrize("change", ["add", "rotate", "remove"])
def test_a_full_disk_is_one_line_and_changes_no_account(small_disk: Path, change: str) -> None:
    settings = Settings(home=small_disk, mqtt_port=free_port())
    layout, reach = prepared(settings), broker_reach(settings)

    def held() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in small_disk.rglob("*") if path.is_file()}

    def changed() -> None:
        with broker_accounts.edited(layout, owner=server_account()) as registry:
            if change == "add":
                account = BrokerAccount("new-1", Role.CHARGER)
                broker_accounts.add(registry, account, reach)
            elif change == "rotate":
                broker_accounts.rotate(registry, ["charger-1"], reach)
            else:
                broker_accounts.remove(registry, "charger-1")

    disk, others = os.statvfs(small_disk), small_disk / "others"
    others.write_bytes(bytes(disk.f_bavail * disk.f_frsize - 2 * disk.f_frsize))  # for two files
    before = held()
    with pytest.raises(PipelineError, match=r"the accounts cannot be written \(No space left"):
        changed()
    assert held() == before
    others.unlink()
    changed()
    assert held() != before


def _mapping(name: str | None) -> str | None:
    if name == "none-such":
        raise PipelineError("there is no mapping none-such", mend="see `ev-pipeline sources`")
    return name


def test_a_list_of_accounts_is_added_as_a_whole_or_not_at_all(
    broker: RunningBroker, tmp_path: Path
) -> None:
    layout, reach = broker.layout, broker_reach(broker.settings)
    file = tmp_path / "names.csv"
    file.write_text(
        "name,scope,source\nlist-1,north,dundee\n\nBad Name,,\nlist-1,,\ncharger-1,,\n"
        "list-2,,none-such\n"
    )
    before = sorted(layout.credentials.iterdir()), (layout.home / "accounts.json").read_text()
    with broker_accounts.edited(layout, owner=server_account()) as registry:
        logins, wrong = add_all(registry, read_list(file), reach, mapping=_mapping)
    assert logins == []
    assert [line for line, _ in wrong] == [4, 5, 6, 7]
    said = [error.what for _, error in wrong]
    assert "is no account name" in said[0]
    assert "names list-1 twice" in said[1]
    assert "is there already" in said[2]
    assert "no mapping none-such" in said[3]
    after = sorted(layout.credentials.iterdir()), (layout.home / "accounts.json").read_text()
    assert after == before
    file.write_text("\ufeffname,scope,source\nlist-1,north,dundee\nlist-2,,\n", encoding="utf-8")
    with broker_accounts.edited(layout, owner=server_account()) as registry:
        logins, wrong = add_all(registry, read_list(file), reach, mapping=_mapping)
    assert wrong == []
    broker.reload()
    for login in logins:
        await_login(login, is_welcome=True)
    book = AccountBook(layout.home).accounts()
    assert book["list-1"] == BrokerAccount("list-1", Role.CHARGER, "dundee", "north")
    assert book["list-2"] == BrokerAccount("list-2", Role.CHARGER)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it has no column name"),
        ("depot-1\n", "'depot-1' is no column of it"),
        ("name,password\na,b\n", "'password' is no column of it"),
        ('name\n"a', "the list cannot be read"),
    ],
)
def test_a_list_that_is_none_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "names.csv"
    file.write_text(text)
    with pytest.raises(PipelineError, match=said):
        read_list(file)


@pytest.mark.parametrize(
    "name", ["", "-a", "_a", "Depot", "a b", "a/b", "a+", "a#", "é", "a" * 64, "a\n", "../x"]
)
def test_a_name_that_would_mean_something_is_refused(broker: RunningBroker, name: str) -> None:
    before = (broker.layout.home / "accounts.json").read_text()
    reach = broker_reach(broker.settings)
    with (
        pytest.raises(PipelineError, match="is no account name"),
        broker_accounts.edited(broker.layout, owner=server_account()) as registry,
    ):
        broker_accounts.add(registry, BrokerAccount(name, Role.CHARGER), reach)
    assert (broker.layout.home / "accounts.json").read_text() == before


def test_the_next_start_keeps_passwords_and_removals_and_tells_the_new_port(home: Path) -> None:
    layout = prepared(Settings(home=home))
    path = broker_credentials.credentials_path(layout, "simulator")
    password = re.search("PASSWORD=(.+)", path.read_text())
    assert password is not None
    with broker_accounts.edited(layout, owner=server_account()) as registry:
        broker_accounts.remove(registry, "charger-2")
    session = broker_credentials.stack_client_id(layout, "stream")
    broker_credentials.credentials_path(layout, "nodered").unlink()
    prepared(Settings(home=home, mqtt_port=18884, mqtt_listen=IPv4Address("0.0.0.0")))  # noqa: S104 - a container's choice
    text = path.read_text()
    assert password[0] in text
    assert "EV_MQTT_PORT=18884\n" in text
    assert "EV_MQTT_HOST=127.0.0.1\n" in text
    assert f"EV_MQTT_CA_FILE={layout.authority}\n" in text
    assert "charger-2" not in json.loads((home / "accounts.json").read_text())
    assert broker_credentials.stack_client_id(layout, "stream") == session
    assert "PASSWORD=" in broker_credentials.credentials_path(layout, "nodered").read_text()
    configuration = (layout.mosquitto / "mosquitto.conf").read_text()
    assert "listener 18884 0.0.0.0\n" in configuration
    assert "$" not in configuration


def test_accounts_and_the_database_are_not_rotated_at_once(home: Path) -> None:
    prepared(Settings(home=home))
    before = broker_credentials.stored_password(Layout(home), "charger-1")
    command = ["accounts", "rotate", "charger-1", "--database"]
    asked = CliRunner().invoke(app, command, env={"EV_HOME": str(home)})
    assert asked.exit_code == 2
    assert broker_credentials.stored_password(Layout(home), "charger-1") == before


def test_files_that_cannot_be_understood_are_named(home: Path) -> None:
    layout = prepared(Settings(home=home))
    (home / "accounts.json").write_text("{}x")
    for read in (lambda: prepared(Settings(home=home)), AccountBook(home).accounts):
        with pytest.raises(PipelineError, match=r"accounts\.json: not the accounts' file"):
            read()
    (home / "accounts.json").unlink()
    with pytest.raises(PipelineError, match="there are no accounts yet"):
        AccountBook(home).accounts()
    layout.authority.write_text("none")
    with pytest.raises(PipelineError, match=r"ca\.crt: it holds neither"):
        prepared(Settings(home=home))


def test_services_do_not_log_in_as_whoever_starts_the_stack(home: Path) -> None:
    layout = prepared(Settings(home=home))
    credentials = Credentials.of_home(layout, port=1)
    theirs = {f"EV_{name.upper()}": "theirs" for name in LOGIN}
    given = dagster_home.environment(layout, credentials, {**theirs, "EV_MQTT_PORT": "18884"})
    assert not theirs.keys() & given.keys()
    assert given["EV_MQTT_PORT"] == "18884"


def test_a_process_of_the_stack_finds_the_login_of_its_account(
    broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EV_HOME", str(broker.settings.home))
    settings = load_settings("stream")
    assert Login.from_settings(settings) == broker.login("stream")
    assert settings.mqtt_client_id == broker_credentials.stack_client_id(broker.layout, "stream")
    assert load_settings().mqtt_username is None
