"""The root of the command: which commands there are, and how their errors reach a person."""

import sys
from typing import Annotated

import typer
from rich.markup import escape

from ev_pipeline.cli import load, migrate, models, quarantine, run, sources, stack, status
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
        app()
    except PipelineError as error:
        if "--debug" in sys.argv:
            raise
        messages.print(f"[red]error:[/red] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
