"""`export`: the way out of the pipeline, as files.

What lives here: options, and where the file goes. What does not: what stands in it.
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ev_pipeline.cli.period import First, Last, Station, read_report
from ev_pipeline.domain.errors import PipelineError

_commands = typer.Typer(no_args_is_help=True, help="The way out: reports as files.")


class PeriodFormat(StrEnum):
    """Formats of an exported report."""

    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Add the commands under `export`."""
    app.add_typer(_commands, name="export")


@_commands.command("period")
def export_period(
    *,
    first: First,
    last: Last,
    station: Station = None,
    format_: Annotated[PeriodFormat, typer.Option("--format", help="csv.")] = PeriodFormat.CSV,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="By default standard output."),
    ] = None,
) -> None:
    """Export a period report, one line a day.

    Example: ev-pipeline export period --from 2018-01-01 --to 2018-03-31 --output quarter.csv
    """
    from ev_pipeline.panels.period_report import as_csv  # noqa: PLC0415 -- --help stays fast

    writers = {PeriodFormat.CSV: as_csv}
    text = writers[format_](read_report(first, last, station))
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PipelineError(
            f"the file cannot be written ({error.strerror})",
            mend="name another with --output",
            where=str(output),
        ) from error
