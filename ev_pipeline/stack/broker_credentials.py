"""What hands an account of the broker to whoever uses it: one file each, readable by its owner.

What lives here: those files. What does not: what the broker knows of accounts (`broker_accounts`).
"""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.accounts import BrokerAccount, Role
from ev_pipeline.messaging.login import Login
from ev_pipeline.settings import ENV_PREFIX
from ev_pipeline.stack.credentials import PASSWORD_BYTES
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.private_files import PrivateFiles

CLIENT_ID_BYTES: Final = 16
"""128 random bits: who knows a client id can take over its session, and with it its queue."""


def write_credentials(
    files: PrivateFiles, layout: Layout, account: BrokerAccount, login: Login
) -> None:
    """The account's file says how to reach the broker today, once the files take their places."""
    path = credentials_path(layout, account.name)
    lines = {
        "MQTT_HOST": login.host,
        "MQTT_PORT": login.port,
        "MQTT_USERNAME": login.username,
        "MQTT_PASSWORD": login.password,
        "MQTT_CA_FILE": login.ca_file,
    }
    if account.role is Role.STREAM:
        lines["MQTT_CLIENT_ID"] = _stored(path).get("MQTT_CLIENT_ID") or (
            f"ev-{account.name}-{secrets.token_hex(CLIENT_ID_BYTES)}"
        )
    files.write(path, "".join(f"{ENV_PREFIX}{name}={lines[name]}\n" for name in lines))


def credentials_path(layout: Layout, name: str) -> Path:
    """The file that holds the account's login."""
    return layout.credentials / f"{name}.env"


def stack_login(layout: Layout, name: str, reach: Login) -> Login:
    """How an account of this stack logs in.

    Raises:
        PipelineError: its credentials are not there.
    """
    path = credentials_path(layout, name)
    password = stored_password(layout, name)
    if not password:
        raise PipelineError(
            f"the password of the account {name} is not here",
            mend="restore the file, or remove the account and add it again",
            where=str(path),
        )
    return login_by(reach, name, password)


def stack_client_id(layout: Layout, name: str) -> str:
    """The name of an account's durable session.

    Raises:
        PipelineError: its credentials hold none.
    """
    path = credentials_path(layout, name)
    found = _stored(path).get("MQTT_CLIENT_ID")
    if not found:
        raise PipelineError(
            f"the name of the session of {name} is not here",
            mend="start the stack, which makes one",
            where=str(path),
        )
    return found


def new_login(reach: Login, name: str) -> Login:
    """A login with a password that nobody had."""
    return login_by(reach, name, secrets.token_urlsafe(PASSWORD_BYTES))


def stored_password(layout: Layout, name: str) -> str | None:
    """The account's password; null where its file is not here."""
    return _stored(credentials_path(layout, name)).get("MQTT_PASSWORD")


def login_by(reach: Login, name: str, password: str) -> Login:
    """The login of an account at the same broker."""
    return Login(reach.host, reach.port, name, password, reach.ca_file)


def _stored(path: Path) -> Mapping[str, str]:
    """What a credentials file says, by variable without the prefix; empty where there is none."""
    if not path.exists():
        return {}
    pairs = (line.partition("=") for line in path.read_text().splitlines())
    return {name.removeprefix(ENV_PREFIX): value for name, separator, value in pairs if separator}
