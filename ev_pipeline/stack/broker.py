"""The local broker: everything that it reads, its command, its probe, its reload.

What lives here: Mosquitto as a service. What does not: accounts and certificates themselves.
"""

import os
import resource
import signal
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from string import Template
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.handshake import Connection, lets_in, log_in
from ev_pipeline.messaging.login import Login
from ev_pipeline.settings import Settings
from ev_pipeline.stack.account import Account, server_account
from ev_pipeline.stack.broker_accounts import edited, ensure_shipped
from ev_pipeline.stack.broker_credentials import stack_login
from ev_pipeline.stack.certificates import broker_names, ensure_certificates
from ev_pipeline.stack.layout import PRIVATE_DIRECTORY, Layout
from ev_pipeline.stack.mosquitto import PROGRAM, find_mosquitto
from ev_pipeline.stack.private_files import write_private
from ev_pipeline.stack.shipped import shipped_file
from ev_pipeline.stack.state import read_state

NAME: Final = PROGRAM
"""As `status` shows it."""

CONFIGURATION: Final = "infra/mosquitto/mosquitto.conf"

RELOAD_SIGNAL: Final = signal.SIGHUP
"""The broker reads passwords, access lists and certificates again, and goes on."""

STREAM: Final = "stream"
"""The worker's account; the supervisor, too, asks by it whether the broker works."""


OWN_FILES: Final = 100
"""Open files of the broker that are no client's: its store, its log, those that it reads."""

TAKE_UP_S: Final = 5
"""By when the broker has read its files again, s; it usually takes milliseconds."""

POLL_S: Final = 0.05
"""How often it is asked whether it has, s."""


@dataclass(frozen=True)
class Broker:
    """A prepared broker.

    Args:
        program: Mosquitto.
        configuration: the file that it is started with.
        account: the user that runs it; null for ours.
        login: the account by which it is probed.
        open_files: how many files it may have open: connections, and its own.
    """

    program: Path
    configuration: Path
    account: Account | None
    login: Login
    open_files: int

    @property
    def command(self) -> list[str]:
        """The broker in the foreground, allowed as many open files as it needs."""
        raised = f'ulimit -S -n {self.open_files} && exec "$0" "$@"'
        return ["/bin/sh", "-c", raised, str(self.program), "-c", str(self.configuration)]

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of ours."""
        return {"PATH": os.defpath, "TZ": "UTC"}


def prepare_broker(settings: Settings, now: datetime) -> Broker:
    """Configuration, certificates and accounts are there, as the settings say today.

    Args:
        settings: home, port, address, names.
        now: the time, UTC.

    Raises:
        PipelineError: Mosquitto is missing, or a file is in the way.
    """
    account = server_account()
    program = find_mosquitto(settings.mosquitto_bin, account=account)
    configuration, connections = write_broker_files(settings, now, account=account)
    login = stack_login(Layout(settings.home), STREAM, broker_reach(settings))
    return Broker(program, configuration, account, login, connections + OWN_FILES)


def write_broker_files(
    settings: Settings, now: datetime, *, account: Account | None
) -> tuple[Path, int]:
    """Everything that the broker reads is there, and every account's credentials.

    Args:
        settings: home, port, address, names.
        now: the time, UTC.
        account: the user that will run it; null for ours.

    Returns:
        Its configuration file, and how many clients it lets in.
    """
    layout = Layout(settings.home)
    make_broker_directory(layout.mosquitto, account)
    ensure_certificates(layout, certificate_names(settings), now, account=account)
    with edited(layout, owner=account) as registry:
        ensure_shipped(registry, broker_reach(settings))
    configuration = layout.mosquitto / "mosquitto.conf"
    connections = _connections(settings)
    text = _configuration(settings, layout, connections)
    write_private(configuration, text, owner=account)
    return configuration, connections


def broker_reach(settings: Settings) -> Login:
    """Where the stack's services find its broker, without an account."""
    listen = settings.mqtt_listen
    host = settings.broker_host or ("127.0.0.1" if listen.is_unspecified else str(listen))
    return Login(host, settings.mqtt_port, "", "", Layout(settings.home).authority)


def certificate_names(settings: Settings) -> list[str]:
    """Every name and address by which clients may reach the broker."""
    more = f"{settings.broker_host or ''} {settings.certificate_names}"
    return broker_names(str(settings.mqtt_listen), more)


def reload_broker(settings: Settings) -> bool:
    """The running broker reads its files again, or does so by itself (`broker_host`).

    Returns:
        Whether one runs.

    Raises:
        PipelineError: if it belongs to somebody else.
    """
    layout = Layout(settings.home)
    if settings.broker_host is not None:
        return lets_in(stack_login(layout, STREAM, broker_reach(settings)))
    service = read_state(layout).services.get(NAME)
    if service is None or service.pid is None:
        return False
    try:
        os.kill(service.pid, RELOAD_SIGNAL)
    except ProcessLookupError:
        return False  # it died just now; the next one reads what is there
    except PermissionError as error:
        raise PipelineError(
            f"the broker belongs to another user (process {service.pid})",
            mend="do it again as the user who started the stack",
            where=str(layout.home),
        ) from error
    return True


def await_login(login: Login, *, is_welcome: bool) -> None:
    """The running broker has taken up that the account was added, or removed.

    Raises:
        PipelineError: it has not in time.
    """
    deadline = time.monotonic() + TAKE_UP_S
    while True:
        try:
            log_in(login).close()
        except PipelineError as error:
            found, is_accepted = error.what, False
        else:
            found, is_accepted = "it lets the account in", True
        if is_accepted is is_welcome:
            return
        if time.monotonic() > deadline:
            raise PipelineError(
                f"the broker has not taken up the change within {TAKE_UP_S} s ({found})",
                mend="see logs/mosquitto.log under EV_HOME; a restart of the stack takes it up",
                where=login.address,
            )
        time.sleep(POLL_S)


class Probe:
    """Whether the broker works: one login, kept, and a ping for each question.

    A login for each question would fill the broker's log.

    Args:
        login: the account that asks.
    """

    def __init__(self, login: Login) -> None:
        self._login = login
        self._connection: Connection | None = None

    def __call__(self, _started_at_s: float) -> str | None:
        """Null where the broker answers, else why not."""
        if self._connection:
            try:
                self._connection.ping()
            except OSError:
                self._connection.close()
                self._connection = None
            else:
                return None
        try:
            self._connection = log_in(self._login)
        except PipelineError as error:
            return error.what
        return None


def make_broker_directory(directory: Path, account: Account | None) -> None:
    """The broker's directory is there, and its own."""
    directory.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
    directory.chmod(PRIVATE_DIRECTORY)
    if account:
        os.chown(directory, account.uid, account.gid)


def _connections(settings: Settings) -> int:
    """How many clients the broker may have.

    Raises:
        PipelineError: the system does not let it have as many as the environment asks for.
    """
    most = _most_open_files() - OWN_FILES
    if "broker_connections" in settings.model_fields_set and settings.broker_connections > most:
        raise PipelineError(
            f"EV_BROKER_CONNECTIONS={settings.broker_connections} needs more open files than a "
            "process may have here",
            mend=f"raise that limit (see `ulimit -Hn`), or ask for {most} at most",
        )
    return min(settings.broker_connections, most)


def _most_open_files() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


def _configuration(settings: Settings, layout: Layout, connections: int) -> str:
    template = Template(shipped_file(CONFIGURATION).read_text())
    return template.substitute(
        directory=layout.mosquitto,
        port=settings.mqtt_port,
        address=settings.mqtt_listen,
        queue_messages=settings.broker_queue_messages,
        queue_bytes=settings.broker_queue_bytes,
        connections=connections,
    )
