"""The broker as the local stack runs it: who gets in, and how it is found to work."""

import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import warnings
from pathlib import Path

import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.handshake import log_in
from ev_pipeline.settings import Settings
from ev_pipeline.stack.broker import OWN_FILES, Probe
from ev_pipeline.stack.mosquitto import find_mosquitto
from ev_pipeline_tests.conftest import free_port
from ev_pipeline_tests.messaging.listening import listening
from ev_pipeline_tests.running_broker import RunningBroker, prepared, running_broker


def connect_packet(*, username: str | None, password: str | None) -> bytes:
    """CONNECT of MQTT 5, by the standard."""
    texts = ["client", *(text for text in (username, password) if text is not None)]
    flags = 0x02 | (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
    body = b"\x00\x04MQTT\x05" + bytes([flags]) + b"\x00\x3c\x00"
    body += b"".join(len(text).to_bytes(2, "big") + text.encode() for text in texts)
    return bytes([0x10, len(body)]) + body


def test_without_tls_the_broker_says_nothing(broker: RunningBroker) -> None:
    login = broker.login("charger-1")
    with socket.create_connection((login.host, login.port), timeout=10) as plain:
        plain.sendall(connect_packet(username=login.username, password=login.password))
        answer = b""
        try:
            while more := plain.recv(100):
                answer += more
        except ConnectionResetError:
            pass
    assert not answer or answer[0] == 0x15, "at most a TLS alert, never a CONNACK"


@pytest.mark.parametrize("version", ["TLSv1_1", "TLSv1_2", "TLSv1_3"])
def test_only_tls_1_2_and_newer_is_spoken(broker: RunningBroker, version: str) -> None:
    login = broker.login("charger-1")
    context = login.tls()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python, too, warns of TLS 1.1
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    with socket.create_connection((login.host, login.port), timeout=10) as raw:
        if version == "TLSv1_1":
            with pytest.raises(ssl.SSLError, match="alert protocol version"):
                context.wrap_socket(raw, server_hostname=login.host)
        else:
            with context.wrap_socket(raw, server_hostname=login.host) as speaking:
                assert speaking.version() == version.replace("_", ".")


@pytest.mark.parametrize(
    ("username", "password"),
    [(None, None), ("charger-1", None), ("charger-1", "guessed"), ("nobody-here", "guessed")],
)
def test_nobody_gets_in_without_an_account_and_its_password(
    broker: RunningBroker, username: str | None, password: str | None
) -> None:
    login = broker.login("charger-1")
    with (
        socket.create_connection((login.host, login.port), timeout=10) as raw,
        login.tls().wrap_socket(raw, server_hostname=login.host) as speaking,
    ):
        speaking.sendall(connect_packet(username=username, password=password))
        answer = speaking.recv(100)
    assert answer[0] == 0x20
    assert answer[3] == 0x87, "not authorised"


def test_the_broker_does_not_run_as_root(broker: RunningBroker) -> None:
    assert broker.process is not None
    assert Path(f"/proc/{broker.process.pid}").stat().st_uid != 0


def test_the_probe_notices_a_broker_that_dies_and_one_that_comes_back(
    own_broker: RunningBroker,
) -> None:
    probe = Probe(own_broker.broker.login)
    assert probe(0) is None
    assert probe(0) is None
    logins = own_broker.log.read_text().count("New client connected")
    assert probe(0) is None
    assert own_broker.log.read_text().count("New client connected") == logins
    own_broker.stop(signal.SIGKILL)
    assert "does not answer" in str(probe(0))
    own_broker.start()
    assert probe(0) is None
    own_broker.stop()
    assert "does not answer" in str(probe(0))


def test_a_home_with_a_space_in_its_name_works(home: Path) -> None:
    spaced = home / "a home"
    with running_broker(spaced, free_port()) as broker:
        log_in(broker.login("charger-1")).close()


def test_without_mosquitto_the_error_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "apt-get").symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("ev_pipeline.stack.mosquitto.SYSTEM_PLACES", ())
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    with pytest.raises(PipelineError, match="Mosquitto 2 is not installed") as caught:
        find_mosquitto(None, account=None)
    assert "apt-get install mosquitto" in caught.value.mend
    assert "make setup" in caught.value.mend
    with pytest.raises(PipelineError, match="EV_MOSQUITTO_BIN="):
        find_mosquitto(tmp_path, account=None)


def test_a_message_sent_by_mosquittos_own_client_arrives(broker: RunningBroker) -> None:
    program = shutil.which("mosquitto_pub", path=find_mosquitto(None, account=None).parent)
    assert program is not None
    charger = broker.add_charger()
    topic = topics.sessions(charger.username)
    with listening(broker.login("stream"), topics.EVERY_SESSION) as worker:
        subprocess.run(
            [
                *(program, "-h", charger.host, "-p", str(charger.port), "-V", "5", "-q", "1"),
                *("-u", charger.username, "-P", charger.password),
                *("--cafile", str(charger.ca_file), "-t", topic, "-m", "by hand"),
            ],
            check=True,
            env={"PATH": os.defpath},
        )
        heard = worker.take()
    assert (heard.topic, heard.payload) == (topic, b"by hand")


def test_more_clients_than_open_files_are_refused_with_the_mend(home: Path) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    asked = Settings(home=home, mqtt_port=free_port(), broker_connections=most + 1)
    with pytest.raises(PipelineError, match=f"EV_BROKER_CONNECTIONS={most + 1}") as refused:
        prepared(asked)
    assert "ulimit -Hn" in str(refused.value)


def test_a_broker_may_open_a_file_for_each_client(own_broker: RunningBroker) -> None:
    assert own_broker.process
    limits = Path(f"/proc/{own_broker.process.pid}/limits").read_text()
    [line] = [line for line in limits.splitlines() if line.startswith("Max open files")]
    assert int(line.split()[3]) == own_broker.broker.open_files
    clients = f"max_connections {own_broker.broker.open_files - OWN_FILES}"
    assert clients in own_broker.broker.configuration.read_text()
