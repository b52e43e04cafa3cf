"""Many accounts at once, from a list: all of them are added, or none.

What lives here: reading the list, and adding what it names. What does not: one account
(`broker_accounts`), or what a mapping's name means (the caller says).
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.accounts import BrokerAccount, Role
from ev_pipeline.messaging.login import Login
from ev_pipeline.stack.broker_accounts import Registry, add, require_new

COLUMNS: Final = ("name", "source", "scope")
"""Of a list; only the first must be there."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a list.

    Args:
        line: its number in the file.
        account: what it asks for.
    """

    line: int
    account: BrokerAccount


def read_list(file: Path) -> list[Listed]:
    """The accounts that a CSV file names, in its order.

    Raises:
        PipelineError: it cannot be read, or its header is another.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            rows = csv.DictReader(text, strict=True)
            _require_header(file, rows.fieldnames or ())
            return [Listed(rows.line_num, _account(row)) for row in rows if any(row.values())]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise PipelineError(
            f"the list cannot be read ({reason})", mend="name a CSV file", where=str(file)
        ) from error


def add_all(
    registry: Registry,
    listed: Sequence[Listed],
    reach: Login,
    *,
    mapping: Callable[[str | None], str | None],
) -> tuple[list[Login], list[tuple[int, PipelineError]]]:
    """All accounts of a list are there, unless something is wrong with one of them: then none is.

    Args:
        registry: all accounts.
        listed: the list.
        reach: the broker's address and authority.
        mapping: a mapping as the worker finds it; raises a `PipelineError` where there is none.

    Returns:
        How each logs in, and what is wrong on which line; one of the two is empty.
    """
    wrong: list[tuple[int, PipelineError]] = []
    sound: dict[str, BrokerAccount] = {}
    for each in listed:
        account = each.account
        try:
            require_new(registry, account)
            if account.name in sound:
                raise PipelineError(  # noqa: TRY301 - one of several reasons
                    f"the list names {account.name} twice", mend="remove one of the lines"
                )
            sound[account.name] = BrokerAccount(
                account.name, account.role, mapping(account.source), account.scope
            )
        except PipelineError as error:
            wrong.append((each.line, error))
    if wrong:
        return [], wrong
    return [add(registry, account, reach) for account in sound.values()], []


def _require_header(file: Path, header: Sequence[str]) -> None:
    unknown = [name for name in header if name not in COLUMNS]
    if unknown or "name" not in header:
        trouble = f"{unknown[0]!r} is no column of it" if unknown else "it has no column name"
        raise PipelineError(
            f"{trouble}", mend="begin the list with: name,source,scope", where=f"{file}:1"
        )


def _account(row: dict[str, str | None]) -> BrokerAccount:
    name, source, scope = ((row.get(column) or "").strip() for column in COLUMNS)
    return BrokerAccount(name, Role.CHARGER, source or None, scope or None)
