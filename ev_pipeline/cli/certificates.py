"""`certificates`: when they end, and new ones in time.

What lives here: options, and what is told. What does not: making certificates (`stack`).
"""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from ev_pipeline.cli.output import messages, print_json, print_table
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import load_settings
from ev_pipeline.stack.layout import Layout

certificates_app = typer.Typer(
    help="The broker's certificate and the authority that it comes from."
    "\n\nExample: ev-pipeline certificates renew",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the root command."""
    certificates_app.command("list")(list_certificates)
    certificates_app.command("renew")(renew)
    app.add_typer(certificates_app, name="certificates")


def list_certificates(*, as_json: AsJson = False) -> None:
    """List the certificates and when they end.

    Example: ev-pipeline certificates list
    """
    from ev_pipeline.stack.certificates import expiries  # noqa: PLC0415 -- --help stays fast

    found = expiries(Layout(load_settings().home))
    if as_json:
        print_json([asdict(each) for each in found])
        return
    print_table(("name", "expires_at"), ((each.name, each.expires_at) for each in found))


def renew(*, as_json: AsJson = False) -> None:
    """Give the broker a new certificate of the same authority; it takes it up without a restart.

    Connections go on, and clients need nothing new.

    Example: ev-pipeline certificates renew
    """
    from ev_pipeline.stack import broker, certificates  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.stack.account import server_account  # noqa: PLC0415

    settings = load_settings()
    layout = Layout(settings.home)
    if not layout.authority.exists():
        raise PipelineError(
            "there are no certificates yet",
            mend="the first `ev-pipeline up` makes them",
            where=str(layout.certificates),
        )
    names = broker.certificate_names(settings)
    renewed = certificates.renew(layout, names, datetime.now(tz=UTC), account=server_account())
    is_active = broker.reload_broker(settings)
    if as_json:
        print_json({"name": renewed.name, "expires_at": renewed.expires_at, "is_active": is_active})
        return
    messages.print(f"the certificate of {renewed.name} ends on {renewed.expires_at:%Y-%m-%d}")
