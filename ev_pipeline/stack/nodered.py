"""The dashboard as one of the stack's services: its files, its login, its command, its probe.

What lives here: Node-RED as a service. What does not: flows and pages (`infra/nodered`), and its
packages (`nodered_packages`).
"""

import http.client
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.login import Login
from ev_pipeline.settings import Settings
from ev_pipeline.stack.account import Account, server_account
from ev_pipeline.stack.broker import broker_reach
from ev_pipeline.stack.broker_credentials import stack_login
from ev_pipeline.stack.credentials import HOST, PASSWORD_BYTES
from ev_pipeline.stack.layout import PRIVATE_DIRECTORY, Layout
from ev_pipeline.stack.node import find_node
from ev_pipeline.stack.nodered_packages import packages_directory, require_packages
from ev_pipeline.stack.private_files import write_private
from ev_pipeline.stack.shipped import shipped_directory

NAME: Final = "nodered"
"""As `status` shows it; also the dashboard's account at the broker."""

EDITOR: Final = "nodered-editor.env"
"""The credentials file of the flows' editor."""

PASSWORD: Final = "EV_NODERED_PASSWORD"  # noqa: S105 - the variable's name

PAGE: Final = "/ui/"

ANSWER_WITHIN_S: Final = 2
"""s; the page is a file."""

_FILES: Final = ("settings.js", "flows.json", "flows_cred.json", "package.json")
_BROWSER: Final = "browser"

_MAX_MEMORY_MB: Final = 512
"""MB; a day of updates at the highest rate stays below a quarter of it."""


@dataclass(frozen=True)
class Dashboard:
    """A prepared dashboard.

    Args:
        command: Node-RED in the foreground.
        environment: all that it knows of the stack.
        directory: its files.
        account: the user that runs it; null for ours.
    """

    command: list[str]
    environment: Mapping[str, str]
    directory: Path
    account: Account | None


def prepare_dashboard(settings: Settings) -> Dashboard:
    """Node-RED's files are in place, as this version has them; the broker is prepared already.

    Args:
        settings: home, ports.

    Raises:
        PipelineError: Node.js or the packages are missing, or a file is in the way.
    """
    layout, account = Layout(settings.home), server_account()
    node, program = find_programs(settings, account)
    _place_files(layout.nodered, account)
    login = stack_login(layout, NAME, broker_reach(settings))
    settings_file = layout.nodered / "settings.js"
    return Dashboard(
        [
            *(str(node), f"--max-old-space-size={_MAX_MEMORY_MB}", str(program)),
            *("--settings", str(settings_file), "--userDir", str(layout.nodered)),
        ],
        _environment(settings, login, editor_password(layout)),
        layout.nodered,
        account,
    )


def find_programs(settings: Settings, account: Account | None) -> tuple[Path, Path]:
    """Node.js, and Node-RED, both within reach of who will run them.

    Raises:
        PipelineError: one is missing, or out of reach.
    """
    node = find_node(account=account).program
    program = require_packages(settings.nodered_packages or packages_directory())
    if account and not account.can_enter(program.parent):
        raise PipelineError(
            f"Node-RED runs as user {account.name}, who may not enter {program.parent}",
            mend="set up in a place that every user can reach (chmod a+x its folders), or start as "
            "a user who is not root",
        )
    return node, program


def address(port: int) -> str:
    """Where people find it."""
    return f"http://{HOST}:{port}/ui"


def trouble(port: int) -> str | None:
    """Null where it shows its pages, else why not."""
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_WITHIN_S)
    try:
        connection.request("GET", PAGE)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"no page on port {port} ({error})"
    finally:
        connection.close()
    return None if status == http.HTTPStatus.OK else f"its page answers {status}"


def editor_password(layout: Layout) -> str:
    """The password of the flows' editor, made once."""
    path = layout.credentials / EDITOR
    stored = path.read_text() if path.exists() else ""
    lines = dict(line.split("=", 1) for line in stored.splitlines() if "=" in line)
    password = lines.get(PASSWORD) or secrets.token_urlsafe(PASSWORD_BYTES)
    write_private(path, f"EV_NODERED_USERNAME=admin\n{PASSWORD}={password}\n")
    return password


def _place_files(directory: Path, account: Account | None) -> None:
    """All as shipped, whatever somebody changed: flows are made anew from their description."""
    source = shipped_directory("infra/nodered")
    try:
        directory.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
        for name in _FILES:
            shutil.copyfile(source / name, directory / name)
        shutil.rmtree(directory / _BROWSER, ignore_errors=True)
        shutil.copytree(source / _BROWSER, directory / _BROWSER, copy_function=shutil.copyfile)
        if account:
            for path in (directory, *directory.rglob("*")):
                os.chown(path, account.uid, account.gid)
    except OSError as error:
        raise PipelineError(
            f"the dashboard's files cannot be placed ({error.strerror})",
            mend="remove the folder, or start as the user who owns it",
            where=str(error.filename or directory),
        ) from error


def _environment(settings: Settings, login: Login, password: str) -> dict[str, str]:
    """Nothing of ours but what its settings and flows name."""
    return {
        "PATH": os.defpath,
        "TZ": "UTC",
        "HOME": str(Layout(settings.home).nodered),
        "NODE_ENV": "production",
        "EV_NODERED_PORT": str(settings.nodered_port),
        "EV_NODERED_EDITABLE": str(settings.nodered_editable).lower(),
        "EV_MAP_TILES": settings.map_tiles,
        "EV_MAP_ATTRIBUTION": settings.map_attribution,
        PASSWORD: password,
        "EV_MQTT_HOST": login.host,
        "EV_MQTT_PORT": str(login.port),
        "EV_MQTT_USERNAME": login.username,
        "EV_MQTT_PASSWORD": login.password,
        "EV_MQTT_CA_FILE": str(login.ca_file),
    }
