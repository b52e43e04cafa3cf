"""The root of the command: which commands there are, and how their errors reach a person."""

import sys
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.markup import escape

from ev_pipeline.cli import errors, load, migrate, models, quarantine, run, sources, stack, status
from ev_pipeline.cli.output import messages
from ev_pipeline.domain.errors import PipelineError

app = typer.Typer(
    name="ev-pipeline",
    help="Charging sessions in; checked, stored, labelled and shown.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show stack traces.")] = False,
) -> None:
    """Charging sessions in; checked, stored, labelled and shown."""
    if debug:
        sys.tracebacklimit = 1000


for _commands in (sources, load, quarantine, migrate, stack, status, run, models):
    _commands.register(app)


def main() -> None:
    """Run the command; an error for people is one line, with a stack trace only on --debug."""
    try:
        _run()
    except PipelineError as error:
        if "--debug" in sys.argv:
            raise
        messages.print(f"[red]error:[/red] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)


def _run() -> None:
    try:
        app()
    except ValidationError as error:
        if told := errors.of_settings(error):
            raise told from error
        raise
    except (PermissionError, NotADirectoryError) as error:
        raise errors.of_file(error) from error


if __name__ == "__main__":
    main()
