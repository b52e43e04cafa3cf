"""What the first start in containers makes, once, and every later one looks after.

What lives here: the order, and what PostgreSQL's, the broker's and the proxy's containers read.
What does not: the containers themselves (`infra/compose.yaml`), what our own services run
(`container_services`), or who sees which secret (`handing_out`).
"""

import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

import bcrypt

from ev_pipeline.messaging.durable import establish
from ev_pipeline.settings import Settings
from ev_pipeline.stack import dagster_home, nodered
from ev_pipeline.stack.broker import STREAM, broker_reach, write_broker_files
from ev_pipeline.stack.broker_credentials import stack_client_id, stack_login
from ev_pipeline.stack.certificates import ensure_database_certificate
from ev_pipeline.stack.credentials import PASSWORD_BYTES, SUPERUSER, Credentials
from ev_pipeline.stack.handing_out import hand_out
from ev_pipeline.stack.initialise import OPTIONS
from ev_pipeline.stack.layout import PRIVATE_DIRECTORY, Layout
from ev_pipeline.stack.private_files import write_private
from ev_pipeline.stack.roles import ensure_roles

PROXY_USER: Final = "operator"
"""Who may pass the reverse proxy."""

PROXY_FILE: Final = "proxy.env"
"""The credentials file of that user."""

_PROXY_PASSWORD: Final = "EV_PROXY_PASSWORD"  # noqa: S105 - the variable's name

_PROBE_WITHIN_S: Final = 5
"""s; the broker's figures come every second."""

_POSTGRES_OPTIONS: Final = """
# In a container: it is reached by its network, and only with TLS is a password told (verify-full).
listen_addresses = '*'
port = {port}
unix_socket_directories = '/var/run/postgresql' # the image makes the superuser through it
ssl = on
ssl_cert_file = '{directory}/server.crt'
ssl_key_file = '{directory}/server.key'
"""


def initialise(settings: Settings, now: datetime) -> None:
    """Secrets, certificates and configuration are there, and every service has its own.

    What was made once stays; the broker's certificate is renewed where it is near its end.

    Args:
        settings: home, hosts, ports, names.
        now: the time, UTC.

    Raises:
        PipelineError: a file is in the way, or cannot be understood.
    """
    layout = Layout(settings.home)
    layout.make()
    layout.handed_out.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
    write_broker_files(settings, now, account=None)
    credentials = Credentials.of_home(layout, settings.postgres_port, settings.postgres_host)
    credentials.hand_out(layout)
    nodered.editor_password(layout)
    dagster_home.place_instance(layout)
    _write_postgres_files(settings, credentials, now)
    _write_broker_probe(settings)
    _write_proxy_login(layout)
    hand_out(layout)


def prepare_database(settings: Settings) -> None:
    """The running PostgreSQL has its roles and databases.

    Raises:
        PipelineError: it does not let us in.
    """
    layout = Layout(settings.home)
    ensure_roles(Credentials.of_home(layout, settings.postgres_port, settings.postgres_host))


def prepare_broker_session(settings: Settings) -> None:
    """The running broker keeps sessions for the worker; made once, since it then outlives both.

    Raises:
        PipelineError: the broker does not let us in.
    """
    layout = Layout(settings.home)
    mark = _session_mark(layout)
    if mark.exists():  # to make it again would cut off a worker that runs
        return
    login = stack_login(layout, STREAM, broker_reach(settings))
    establish(login, stack_client_id(layout, STREAM))
    mark.touch()


def forget_broker_session(layout: Layout) -> None:
    """Whether the broker keeps sessions for the worker is not known any more."""
    _session_mark(layout).unlink(missing_ok=True)


def _session_mark(layout: Layout) -> Path:
    return layout.run / "session-made"


def _write_postgres_files(settings: Settings, credentials: Credentials, now: datetime) -> None:
    layout = Layout(settings.home)
    directory = layout.handed_out / "postgres"
    directory.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
    ensure_database_certificate(layout, directory, [settings.postgres_host, "localhost"], now)
    write_private(directory / "password", credentials.password(SUPERUSER))
    options = OPTIONS + _POSTGRES_OPTIONS.format(port=settings.postgres_port, directory=directory)
    write_private(directory / "postgresql.conf", options)


def _write_broker_probe(settings: Settings) -> None:
    """The broker's container can ask the broker; options in a file, since arguments are public."""
    layout = Layout(settings.home)
    directory = layout.mosquitto / "probe"
    directory.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
    write_private(directory / "ca.crt", layout.authority.read_text())
    login = stack_login(layout, "dagster", broker_reach(settings))
    options = {
        "-h": "localhost",
        "-p": settings.mqtt_port,
        "-V": "5",
        "--cafile": directory / "ca.crt",
        "-u": login.username,
        "-P": login.password,
        "-t": "$SYS/broker/uptime",
        "-C": 1,
        "-W": _PROBE_WITHIN_S,
    }
    lines = [f"{option} {value}\n" for option, value in options.items()]
    write_private(directory / "mosquitto_sub", "".join(lines))


def _write_proxy_login(layout: Layout) -> None:
    path = layout.credentials / PROXY_FILE
    directory = layout.handed_out / "proxy"
    directory.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
    stored = path.read_text() if path.exists() else ""
    lines = dict(line.split("=", 1) for line in stored.splitlines() if "=" in line)
    password = lines.get(_PROXY_PASSWORD) or secrets.token_urlsafe(PASSWORD_BYTES)
    write_private(path, f"EV_PROXY_USERNAME={PROXY_USER}\n{_PROXY_PASSWORD}={password}\n")
    login = directory / "login"
    if not (login.exists() and _opens(password, login.read_text())):
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt()).decode()
        write_private(login, f"{PROXY_USER} {hashed}{os.linesep}")


def _opens(password: str, login: str) -> bool:
    user, _, hashed = login.strip().partition(" ")
    return user == PROXY_USER and bcrypt.checkpw(password.encode(), hashed.encode())
