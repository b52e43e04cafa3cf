"""The broker's accounts: made, listed and removed, each with its password and its rights.

`accounts.json` is the source; the broker's two files are written from it, so that they cannot
disagree with what the worker knows. What lives here: those files and the credentials. What does
not: what an account may do (`messaging.access`), or telling a running broker (`broker`).
"""

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.access import access_file
from ev_pipeline.messaging.accounts import ACCOUNTS_FILE, BrokerAccount, Role
from ev_pipeline.messaging.handshake import lets_in
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.topics import ACCOUNT_NAME
from ev_pipeline.stack.account import Account
from ev_pipeline.stack.broker_credentials import (
    credentials_path,
    login_by,
    new_login,
    stack_login,
    stored_password,
    write_credentials,
)
from ev_pipeline.stack.handing_out import hand_out
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.password_hash import password_hash
from ev_pipeline.stack.private_files import PrivateFiles, replaced_together
from ev_pipeline.stack.state import supervisor_pid

SERVICES: Final = (
    BrokerAccount("simulator", Role.CHARGER),
    BrokerAccount("stream", Role.STREAM),
    BrokerAccount("dagster", Role.DAGSTER),
    BrokerAccount("nodered", Role.DASHBOARD),
)
"""Accounts of the stack's own services: always there."""

SPARE: Final = (
    BrokerAccount("charger-1", Role.CHARGER),
    BrokerAccount("charger-2", Role.CHARGER),
)
"""Accounts to try things with: made at the first start, removed for good by whoever wants."""


@dataclass
class Registry:
    """All accounts while they are being changed.

    Args:
        layout: where the files are.
        owner: the user that runs the broker; null for ours.
        files: what is written, and takes its place when the change is whole.
        accounts: every account by name.
        hashes: the password of each, as the broker compares it.
        removed: credentials that go then.
    """

    layout: Layout
    owner: Account | None
    files: PrivateFiles
    accounts: dict[str, BrokerAccount] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    removed: list[Path] = field(default_factory=list)

    def put(self, account: BrokerAccount, login: Login) -> None:
        """The account is there, with the login's password and credentials that say it."""
        self.accounts[account.name] = account
        self.hashes[account.name] = password_hash(login.password)
        write_credentials(self.files, self.layout, account, login)


@contextmanager
def edited(layout: Layout, *, owner: Account | None) -> Iterator[Registry]:
    """Within, nobody else changes accounts; afterwards the files say what the registry says.

    All of them do, or, after an error, none.

    Raises:
        PipelineError: there is no stack yet, its file cannot be understood, or the disk is full.
    """
    if not layout.mosquitto.is_dir():
        raise PipelineError(
            "there is no broker here yet",
            mend="start it once with `ev-pipeline up`, or set EV_HOME to a stack's home",
            where=str(layout.home),
        )
    with unchanging(layout):
        try:
            with replaced_together() as files:
                registry = _read(layout, owner, files)
                yield registry
                _write(registry)
            for path in registry.removed:
                path.unlink(missing_ok=True)
            hand_out(layout)
        except OSError as error:
            raise PipelineError(
                f"the accounts cannot be written ({error.strerror})",
                mend="mend that, look at `ev-pipeline accounts list`, and do it again",
                where=str(error.filename or layout.home),
            ) from error


@contextmanager
def unchanging(layout: Layout) -> Iterator[None]:
    """Within, nobody changes accounts or their credentials."""
    with (layout.run / "accounts.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure_shipped(registry: Registry, reach: Login) -> None:
    """The stack's own accounts are there, and every account's file says where the broker is.

    Args:
        registry: all accounts.
        reach: the broker's address and authority; its account and password say nothing.
    """
    wanted = SERVICES if registry.accounts else (*SERVICES, *SPARE)
    for name, account in registry.accounts.items():
        password = stored_password(registry.layout, name)
        if password:
            login = login_by(reach, name, password)
            write_credentials(registry.files, registry.layout, account, login)
        elif account in SERVICES:
            registry.put(account, new_login(reach, name))
    for account in wanted:
        if account.name not in registry.accounts:
            registry.put(account, new_login(reach, account.name))


def add(registry: Registry, account: BrokerAccount, reach: Login) -> Login:
    """A new account is there.

    Returns:
        How it logs in.

    Raises:
        PipelineError: its name is none, or is taken.
    """
    require_new(registry, account)
    login = new_login(reach, account.name)
    registry.put(account, login)
    return login


def require_new(registry: Registry, account: BrokerAccount) -> None:
    """The account can be added.

    Raises:
        PipelineError: its name is none, or is taken.
    """
    if not ACCOUNT_NAME.fullmatch(account.name):
        raise PipelineError(
            f"{account.name!r} is no account name",
            mend="begin with a-z or 0-9, go on with those, _ and -, 63 characters at most",
        )
    if account.name in registry.accounts:
        raise PipelineError(
            f"the account {account.name} is there already",
            mend=f"its login is in {credentials_path(registry.layout, account.name)}; "
            f"`ev-pipeline accounts remove {account.name}` comes before a new one",
        )
    if credentials_path(registry.layout, account.name).exists():
        raise PipelineError(
            f"{account.name} would take the place of other credentials",
            mend="choose another name",
            where=str(credentials_path(registry.layout, account.name)),
        )


def rotate(registry: Registry, names: Sequence[str], reach: Login) -> list[Login]:
    """The accounts have new passwords, and are otherwise what they were.

    Returns:
        How each logs in.

    Raises:
        PipelineError: one of them is not there, or its service, which runs, knows the old one; no
            password was changed then.
    """
    for name in names:
        _require_known(registry, name)
    services = [account.name for account in SERVICES if account.name in names]
    if services and _are_services_up(registry.layout, reach):
        raise PipelineError(
            f"the stack's own services use the account {services[0]}, and they are up",
            mend="stop the stack first (`ev-pipeline down`; containers: `docker compose stop`)",
        )
    logins = [new_login(reach, name) for name in dict.fromkeys(names)]
    for login in logins:
        registry.put(registry.accounts[login.username], login)
    return logins


def _are_services_up(layout: Layout, reach: Login) -> bool:
    """In containers they are taken for it while their broker is."""
    if layout.handed_out.is_dir():
        return lets_in(stack_login(layout, SERVICES[0].name, reach))
    return supervisor_pid(layout) is not None


def _require_known(registry: Registry, name: str) -> None:
    if name not in registry.accounts:
        raise PipelineError(f"there is no account {name}", mend="see `ev-pipeline accounts list`")


def remove(registry: Registry, name: str) -> None:
    """The account and its credentials are gone.

    Raises:
        PipelineError: there is none, or the stack's own services use it.
    """
    _require_known(registry, name)
    if name in {account.name for account in SERVICES}:
        raise PipelineError(
            f"the stack's own services use the account {name}", mend="leave it where it is"
        )
    del registry.accounts[name], registry.hashes[name]
    registry.removed.append(credentials_path(registry.layout, name))


def _read(layout: Layout, owner: Account | None, files: PrivateFiles) -> Registry:
    path = layout.home / ACCOUNTS_FILE
    if not path.exists():
        return Registry(layout, owner, files)
    try:
        document: dict[str, dict[str, Any]] = json.loads(path.read_text())
        return Registry(
            layout,
            owner,
            files,
            {name: BrokerAccount.from_json(name, each) for name, each in document.items()},
            {name: each["password_hash"] for name, each in document.items()},
        )
    except (KeyError, ValueError, TypeError) as error:
        raise PipelineError(
            f"not the accounts' file ({error})", mend="restore it from a copy", where=str(path)
        ) from error


def _write(registry: Registry) -> None:
    """The source, and what the broker reads, which is written from it."""
    layout, owner, files = registry.layout, registry.owner, registry.files
    document = {
        name: {
            "role": account.role,
            "source": account.source,
            "scope": account.scope,
            "password_hash": registry.hashes[name],
        }
        for name, account in registry.accounts.items()
    }
    files.write(layout.home / ACCOUNTS_FILE, json.dumps(document, indent=1) + "\n")
    passwords = "".join(f"{name}:{value}\n" for name, value in registry.hashes.items())
    files.write(layout.mosquitto / "passwords", passwords, owner=owner)
    access = access_file(registry.accounts.values())
    files.write(layout.mosquitto / "access", access, owner=owner)
