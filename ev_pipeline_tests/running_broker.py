"""A real broker for tests, made and started as the local stack does it."""

import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ev_pipeline.messaging.accounts import BrokerAccount, Role
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.session import Session
from ev_pipeline.settings import Settings
from ev_pipeline.stack import broker_accounts, broker_credentials, process
from ev_pipeline.stack.broker import (
    RELOAD_SIGNAL,
    Broker,
    await_login,
    broker_reach,
    prepare_broker,
)
from ev_pipeline.stack.layout import Layout

CONNECT_WITHIN_S: Final = 20
"""By when a broker that answers has accepted a client, s."""


@dataclass
class RunningBroker:
    """A broker with a home of its own."""

    settings: Settings
    broker: Broker
    process: subprocess.Popen[bytes] | None = None
    _session_ids: list[str] = field(default_factory=list)

    @property
    def layout(self) -> Layout:
        return Layout(self.settings.home)

    @property
    def log(self) -> Path:
        return self.layout.logs / "mosquitto.log"

    def start(self) -> None:
        """It answers."""
        self.process = process.start(
            self.broker.command,
            environment=self.broker.environment,
            log=self.log,
            directory=self.settings.home,
            account=self.broker.account,
        )
        await_login(self.broker.login, is_welcome=True)
        assert self.process.poll() is None, self.log.read_text()

    def stop(self, stop_signal: signal.Signals = signal.SIGTERM) -> None:
        """It has ended, asked by the signal."""
        if self.process:
            process.stop(self.process, stop_signal=stop_signal, deadline_s=20)
            self.process = None

    def kill(self) -> None:
        """It is gone, without a chance to write anything."""
        self.stop(signal.SIGKILL)

    def reload(self) -> None:
        """It was asked to read its files again."""
        assert self.process
        self.process.send_signal(RELOAD_SIGNAL)

    def new_session_id(self) -> str:
        """A client id for a durable session, which `forget_sessions` ends."""
        self._session_ids.append(f"test-{uuid.uuid4().hex}")
        return self._session_ids[-1]

    def forget_sessions(self) -> None:
        """The durable sessions are gone: nothing is kept for whom no test will ask again."""
        for name in self._session_ids:
            with Client(self.login("stream"), Session(client_id=name)) as client:
                client.wait_connected(CONNECT_WITHIN_S)
        self._session_ids.clear()

    def login(self, account: str) -> Login:
        """How an account logs in."""
        return broker_credentials.stack_login(self.layout, account, broker_reach(self.settings))

    def reached_by(self, account: str, settings: Settings) -> Settings:
        """The settings of a process that uses this broker by one of its accounts."""
        login = self.login(account)
        return settings.model_copy(
            update={
                "mqtt_host": login.host,
                "mqtt_port": login.port,
                "mqtt_username": login.username,
                "mqtt_password": login.password,
                "mqtt_ca_file": login.ca_file,
            }
        )

    def add_charger(self, *, source: str | None = None, scope: str | None = None) -> Login:
        """A new charger's account, so that a test has topics of its own."""
        account = BrokerAccount(f"charger-{uuid.uuid4().hex}", Role.CHARGER, source, scope)
        reach = broker_reach(self.settings)
        with broker_accounts.edited(self.layout, owner=self.broker.account) as registry:
            login = broker_accounts.add(registry, account, reach)
        self.reload()
        await_login(login, is_welcome=True)
        return login


def prepared(settings: Settings) -> Layout:
    """The home has everything that a broker reads; none runs."""
    layout = Layout(settings.home)
    layout.make()
    prepare_broker(settings, datetime.now(tz=UTC))
    return layout


@contextmanager
def running_broker(home: Path, port: int, **limits: int) -> Iterator[RunningBroker]:
    """Within, a broker answers; it is gone afterwards, and its home with it.

    Args:
        home: where its files lie.
        port: where it listens.
        limits: settings of a broker, in place of the usual ones.
    """
    settings = Settings(home=home, mqtt_port=port).model_copy(update=limits)
    Layout(home).make()
    broker = RunningBroker(settings, prepare_broker(settings, datetime.now(tz=UTC)))
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
        shutil.rmtree(home, ignore_errors=True)
