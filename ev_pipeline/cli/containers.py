"""`containers`: what the services of `infra/compose.yaml` run; people need none of it.

What lives here: the commands. What does not: their work (`stack.containers`,
`stack.container_services`, `stack.container_probes`).
"""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from ev_pipeline.cli.output import messages
from ev_pipeline.settings import load_settings

containers_app = typer.Typer(
    help="What the services of infra/compose.yaml run; people need none of it."
    "\n\nExample: ev-pipeline containers healthy stream",
    no_args_is_help=True,
)

Service = Annotated[str, typer.Argument(help="Its name in infra/compose.yaml.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the root command."""
    for command in (init, prepare, serve, healthy):
        containers_app.command()(command)
    app.add_typer(containers_app, name="containers")


def init() -> None:
    """Make secrets, certificates and configuration that are missing; before anything else runs.

    Example: ev-pipeline containers init
    """
    from ev_pipeline.stack.containers import initialise  # noqa: PLC0415 -- --help stays fast

    settings = load_settings()
    initialise(settings, datetime.now(tz=UTC))
    messages.print(f"secrets and certificates are in {settings.home}", soft_wrap=True)


def prepare() -> None:
    """Bring database and broker to this version, once both answer; before our services run.

    Example: ev-pipeline containers prepare
    """
    from ev_pipeline.cli.migrate import bring_up_to_date  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.stack.container_services import prepare_dagster  # noqa: PLC0415 -- the same
    from ev_pipeline.stack.containers import (  # noqa: PLC0415 -- the same
        prepare_broker_session,
        prepare_database,
    )

    settings = load_settings()
    prepare_database(settings)
    prepare_dagster(settings)
    bring_up_to_date(settings, tell=_tell)
    prepare_broker_session(settings)
    _tell("the broker keeps sessions for the worker")


def serve(service: Service) -> None:
    """Become the service.

    Example: ev-pipeline containers serve dagster-daemon
    """
    from ev_pipeline.stack.container_services import become  # noqa: PLC0415 -- --help stays fast

    become(service, load_settings())


def healthy(service: Service) -> None:
    """Ask the service in this container whether it works; exit code 0 if so, else 1.

    Example: ev-pipeline containers healthy stream
    """
    from ev_pipeline.stack.container_probes import trouble  # noqa: PLC0415 -- --help stays fast

    found = trouble(service, load_settings())
    if found is not None:
        _tell(found)
        raise typer.Exit(1)


def _tell(line: str) -> None:
    messages.print(escape(line), soft_wrap=True)
