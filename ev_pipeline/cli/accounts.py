"""`accounts`: who may use the broker; without a restart.

What lives here: options, and what a person or a program is told. What does not: the files
(`stack.broker_accounts`), or what an account may do (`messaging.access`).
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.markup import escape

from ev_pipeline.cli.output import messages, print_json, print_table
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.accounts import AccountBook, BrokerAccount, Role
from ev_pipeline.messaging.login import Login
from ev_pipeline.settings import load_settings
from ev_pipeline.stack.layout import Layout

accounts_app = typer.Typer(
    help="Who may use the broker: chargers, and the stack's own services."
    "\n\nExample: ev-pipeline accounts add depot-7",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_ALPHABET: Final = "a-z, 0-9, _ and -, beginning with a letter or digit."
Name = Annotated[str, typer.Argument(help=_ALPHABET)]
OneName = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help=_ALPHABET, show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands to the root command."""
    accounts_app.command("add")(add)
    accounts_app.command("rotate")(rotate)
    accounts_app.command("list")(list_accounts)
    accounts_app.command("remove")(remove)
    app.add_typer(accounts_app, name="accounts")


def add(
    name: OneName = None,
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
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="Add all accounts of this list, or none: name, and where wanted source and scope.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add accounts for chargers; passwords are generated and kept in credentials/NAME.env.

    Example: ev-pipeline accounts add depot-7 --source dundee --scope dundee
    """
    from ev_pipeline.stack import account_lists, broker  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.stack.account import server_account  # noqa: PLC0415
    from ev_pipeline.stack.broker_accounts import add as add_one  # noqa: PLC0415
    from ev_pipeline.stack.broker_accounts import edited  # noqa: PLC0415

    if (name is None) is (file is None):
        raise typer.BadParameter("name an account, or a list of them with --file")
    settings = load_settings()
    layout, reach = Layout(settings.home), broker.broker_reach(settings)
    listed = account_lists.read_list(file) if file else []
    account = BrokerAccount(name or "", Role.CHARGER, _mapping(source), scope)
    with edited(layout, owner=server_account()) as registry:
        if file:
            logins, wrong = account_lists.add_all(registry, listed, reach, mapping=_mapping)
        else:
            logins, wrong = [add_one(registry, account, reach)], []
    if file and wrong:
        _refuse(file, wrong)
    is_active = broker.reload_broker(settings)
    if is_active and logins:
        broker.await_login(logins[-1], is_welcome=True)
    _tell_added(layout, logins, is_active=is_active, is_list=file is not None, as_json=as_json)


def _refuse(file: Path, wrong: list[tuple[int, PipelineError]]) -> NoReturn:
    for line, error in wrong:
        messages.print(f"{file}:{line}: {escape(str(error))}", soft_wrap=True)
    raise PipelineError(
        f"nothing was added: {len(wrong)} of its lines are wrong",
        mend="mend them and do it again",
        where=str(file),
    )


def _tell_added(
    layout: Layout, logins: list[Login], *, is_active: bool, is_list: bool, as_json: bool
) -> None:
    if as_json:
        book = AccountBook(layout.home).accounts()
        documents = [
            {**_document(layout, book[login.username]), "is_active": is_active} for login in logins
        ]
        print_json(documents if is_list else documents[0])
        return
    if is_list:
        messages.print(f"{len(logins)} accounts added; their logins are in {layout.credentials}")
    else:
        name = logins[0].username
        messages.print(
            f"{name} may report sessions" if is_active else f"{name} is there", style="bold"
        )
        messages.print(
            f"its login is in {layout.credentials / name}.env, the authority's certificate in "
            f"{layout.authority}"
        )
    if not is_active:
        messages.print("the broker is down; `ev-pipeline up` starts it")


def rotate(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Whose password to change.", show_default=False),
    ] = None,
    *,
    is_database: Annotated[
        bool,
        typer.Option(
            "--database",
            help="The roles of the stack's own database instead; while the stack is down.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give accounts new passwords at once; whoever is connected by an old one is cut off.

    Their credentials files hold the new ones. The accounts of the stack's own services take one
    while the stack is down.

    Example: ev-pipeline accounts rotate depot-7
    """
    from ev_pipeline.stack import broker, broker_accounts, postgres  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.stack.account import server_account  # noqa: PLC0415

    if bool(names) is is_database:
        raise typer.BadParameter("name accounts, or --database")
    settings = load_settings()
    layout, wanted = Layout(settings.home), names or []
    is_active = False
    if wanted:
        with broker_accounts.edited(layout, owner=server_account()) as registry:
            reach = broker.broker_reach(settings)
            logins = broker_accounts.rotate(registry, wanted, reach)
        is_active = broker.reload_broker(settings)
        if is_active:
            broker.await_login(logins[-1], is_welcome=True)
    if is_database:
        postgres.renew_passwords(settings)
    if as_json:
        print_json({"accounts": wanted, "database": is_database, "is_active": is_active})
        return
    for name in wanted:
        messages.print(f"{name} has a new password: {layout.credentials / name}.env")
    if is_database:
        messages.print(f"the database's roles have new passwords, in {layout.credentials}")


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
        password = broker_credentials.stored_password(layout, name)
        broker_accounts.remove(registry, name)
    if broker.reload_broker(settings) and password:
        login = broker_credentials.login_by(broker.broker_reach(settings), name, password)
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
