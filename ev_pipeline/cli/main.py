"""The root of the command: which commands there are, and how their errors reach a person."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.markup import escape

from ev_pipeline.cli import (
    accounts,
    backup,
    certificates,
    containers,
    errors,
    export,
    forget,
    load,
    migrate,
    models,
    period,
    predict,
    quarantine,
    run,
    sources,
    stack,
    status,
    stream,
    why,
)
from ev_pipeline.cli.errors import COMMAND
from ev_pipeline.cli.output import messages
from ev_pipeline.domain.errors import PipelineError

app = typer.Typer(
    name=COMMAND,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        sys.stdout.write(f"{COMMAND} {version(COMMAND)}\n")
        raise typer.Exit


@app.callback()
def root(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show stack traces.")] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_tell_version, is_eager=True),
    ] = False,
) -> None:
    """Charging sessions in; checked, stored, labelled and shown.

    Example: ev-pipeline sources
    """
    if debug:
        sys.tracebacklimit = 1000


for _commands in (
    *(sources, load, quarantine, migrate, stack, status, run, models),
    *(period, export, predict, why, containers),
    *(accounts, certificates, stream, backup, forget),
):
    _commands.register(app)


def main() -> None:
    """Run the command; an error for people is one line, with a stack trace only on --debug."""
    try:
        _run()
    except PipelineError as error:
        if "--debug" in sys.argv:
            raise
        _tell(str(error))
        sys.exit(1)
    except typer.TyperException as error:
        if said := errors.of_usage(error):
            _tell(said)
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(1)


def _tell(error: str) -> None:
    messages.print(f"[red]error:[/red] {escape(error)}", soft_wrap=True)


def _run() -> None:
    try:
        # Not "standalone": typer would show a wrong option in a box of six lines.
        sys.exit(app(prog_name=COMMAND, standalone_mode=False))
    except ValidationError as error:
        if told := errors.of_settings(error):
            raise told from error
        raise
    except (PermissionError, NotADirectoryError) as error:
        raise errors.of_file(error) from error


if __name__ == "__main__":
    main()
