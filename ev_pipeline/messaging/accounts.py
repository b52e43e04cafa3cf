"""Accounts of the broker: what they are for, and what their sessions are bound to.

What lives here: the accounts' file as readers see it. What does not: passwords, and changing the
file (`stack.broker_accounts`).
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from ev_pipeline.domain.errors import PipelineError

ACCOUNTS_FILE: Final = "accounts.json"
"""Its name under `EV_HOME`."""


class Role(StrEnum):
    """What an account is for, and so what it may do."""

    CHARGER = "charger"
    STREAM = "stream"
    DAGSTER = "dagster"
    DASHBOARD = "dashboard"


@dataclass(frozen=True, slots=True)
class BrokerAccount:
    """One account.

    Args:
        name: as it logs in.
        role: what it is for.
        source: the mapping by which its messages are read; null where they say it themselves.
        scope: the operator whose sessions they are; null where mapping or settings say it.
    """

    name: str
    role: Role
    source: str | None = None
    scope: str | None = None

    @classmethod
    def from_json(cls, name: str, document: Mapping[str, Any]) -> Self:
        """The account as the file has it."""
        return cls(name, Role(document["role"]), document["source"], document["scope"])


class AccountBook:
    """The accounts of today: the file is read again whenever it was replaced.

    Args:
        home: `EV_HOME`.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / ACCOUNTS_FILE
        self._seen: tuple[int, int] | None = None
        self._accounts: Mapping[str, BrokerAccount] = {}

    def accounts(self) -> Mapping[str, BrokerAccount]:
        """Every account by name.

        Raises:
            PipelineError: there is no such file, or it cannot be understood.
        """
        try:
            with self._path.open() as file:
                status = os.fstat(file.fileno())
                seen = (status.st_ino, status.st_mtime_ns)
                if seen != self._seen:
                    self._accounts = _understand(json.load(file))
                    self._seen = seen
        except FileNotFoundError as error:
            raise PipelineError(
                "there are no accounts yet",
                mend="the first `ev-pipeline up` makes them",
                where=str(self._path),
            ) from error
        except (KeyError, ValueError) as error:
            raise PipelineError(
                f"not the accounts' file ({error})",
                mend="restore it from a copy",
                where=str(self._path),
            ) from error
        return self._accounts


def _understand(document: Mapping[str, Mapping[str, Any]]) -> dict[str, BrokerAccount]:
    return {name: BrokerAccount.from_json(name, each) for name, each in document.items()}
