"""`accounts`: who may use the broker; without a restart.

What lives here: options, and what a person or a program is told. What does not: the files
(`stack.broker_accounts`), or what an account may do (`messaging.access`).
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ev_pipeline.cli.output import messages, print_json, print_table
from ev_pipeline.messaging.accounts import AccountBook, BrokerAccount, Role
from ev_pipeline.settings import load_settings
from ev_pipeline.stack.layout import Layout

accounts_app = typer.Typer(
    help="Who may use the broker: chargers, and the stack's own services."
    "\n\nExample: ev-pipeline accounts add depot-7",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Name = Annotated[str, typer.Argument(help="a-z, 0-9, _ and -, beginning with a letter or digit.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the root command."""
    accounts_app.command("add")(add)
    accounts_app.command("list")(list_accounts)
    accounts_app.command("remove")(remove)
    app.add_typer(accounts_app, name="accounts")


def add(
    name: Name,
    *,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="MAPPING",
            help="Its messages are records of this mapping: a shipped one's name, or a TOML file.",
            show_default=False,
        ),
    ] = None,
    scope: Annotated[
        str | None,
        typer.Option(
            metavar="OPERATOR", help="Its sessions are this operator's.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add an account for a charger; its password is generated and kept in credentials/NAME.env.

    Example: ev-pipeline accounts add depot-7 --source dundee --scope dundee
    """
    from ev_pipeline.stack import broker, broker_accounts, broker_credentials  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.stack.account import server_account  # noqa: PLC0415

    settings = load_settings()
    layout = Layout(settings.home)
    account = BrokerAccount(name, Role.CHARGER, _mapping(source), scope)
    with broker_accounts.edited(layout, owner=server_account()) as registry:
        login = broker_accounts.add(registry, account, broker.broker_reach(settings))
    is_active = broker.reload_broker(layout)
    if is_active:
        broker.await_login(login, is_welcome=True)
    if as_json:
        print_json({**_document(layout, account), "is_active": is_active})
        return
    messages.print(f"{name} may report sessions" if is_active else f"{name} is there", style="bold")
    path = broker_credentials.credentials_path(layout, name)
    messages.print(f"its login is in {path}, the authority's certificate in {login.ca_file}")
    if not is_active:
        messages.print("the broker is down; `ev-pipeline up` starts it")


def list_accounts(*, as_json: AsJson = False) -> None:
    """List the accounts and what they are bound to; never a password.

    Example: ev-pipeline accounts list
    """
    layout = Layout(load_settings().home)
    documents = [
        _document(layout, account) for account in AccountBook(layout.home).accounts().values()
    ]
    if as_json:
        print_json(documents)
        return
    columns = ("name", "role", "source", "scope")
    print_table(columns, ([document[column] for column in columns] for document in documents))


def remove(name: Name, *, as_json: AsJson = False) -> None:
    """Remove an account; whoever is connected by it is cut off.

    Example: ev-pipeline accounts remove depot-7
    """
    from ev_pipeline.stack import broker, broker_accounts, broker_credentials  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.stack.account import server_account  # noqa: PLC0415

    settings = load_settings()
    layout = Layout(settings.home)
    with broker_accounts.edited(layout, owner=server_account()) as registry:
        broker_accounts.remove(registry, name)
    if broker.reload_broker(layout):
        login = broker_credentials.new_login(broker.broker_reach(settings), name)
        broker.await_login(login, is_welcome=False)
    if as_json:
        print_json({"name": name, "removed": True})
        return
    messages.print(f"{name} may no longer connect")


def _mapping(name_or_path: str | None) -> str | None:
    """The mapping as the worker finds it from anywhere: its name, or its file's whole path.

    Raises:
        PipelineError: there is no such mapping, or it cannot be understood.
    """
    if name_or_path is None:
        return None
    from ev_pipeline.sources.mapping import load_mapping, shipped_mappings  # noqa: PLC0415 -- the same

    load_mapping(name_or_path)
    if name_or_path in shipped_mappings():
        return name_or_path
    return str(Path(name_or_path).absolute())


def _document(layout: Layout, account: BrokerAccount) -> dict[str, Any]:
    """What may be told of an account."""
    path = layout.credentials / f"{account.name}.env"
    return {**asdict(account), "credentials": str(path) if path.exists() else None}
