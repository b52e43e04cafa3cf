"""`export`: the way out of the pipeline, as files.

What lives here: options, and what is said of an export. What does not: the files (`exports`), and
which rows they hold (`storage.outgoing`).
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final

import typer
from rich.markup import escape

from ev_pipeline.cli.database import database
from ev_pipeline.cli.output import messages, print_json
from ev_pipeline.cli.period import First, Last, Station, read_report
from ev_pipeline.domain.errors import PipelineError

if TYPE_CHECKING:
    import polars as pl
    import sqlalchemy as sa

    from ev_pipeline.settings import Settings
    from ev_pipeline.storage.outgoing import Wanted

_commands = typer.Typer(
    no_args_is_help=True,
    help="The way out: sessions, labels and reports as files."
    "\n\nExample: ev-pipeline export sessions --output sessions.csv",
)


class Format(StrEnum):
    """Formats of exported files."""

    CSV = "csv"
    PARQUET = "parquet"
    OCPI = "ocpi"


_FormatOption = Annotated[Format, typer.Option("--format", help="How the file is written.")]
_Output = Annotated[
    Path | None, typer.Option("--output", metavar="FILE", help="By default standard output.")
]
_Since = Annotated[
    str | None,
    typer.Option("--from", metavar="DATE", help="The first day, YYYY-MM-DD; by default any."),
]
_Until = Annotated[
    str | None,
    typer.Option("--to", metavar="DATE", help="The last day, included; by default any."),
]
_Scope = Annotated[str | None, typer.Option("--scope", metavar="OPERATOR", help="One operator's.")]
_AsJson = Annotated[
    bool, typer.Option("--json", help="Say what was exported as JSON; needs --output.")
]

_WITHOUT_OCPI: Final = "OCPI has records of sessions and none of {}: say --format csv or parquet"


@dataclass(frozen=True, slots=True)
class _Exported:
    """What an export did.

    Args:
        count: how many there are in the file.
        refused: how many are not, by field and reason.
    """

    count: int
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)


def register(app: typer.Typer) -> None:
    """Add the commands under `export`."""
    app.add_typer(_commands, name="export")


@_commands.command("sessions")
def export_sessions(
    *,
    format_: _FormatOption = Format.CSV,
    output: _Output = None,
    first: _Since = None,
    last: _Until = None,
    station: Station = None,
    scope: _Scope = None,
    as_json: _AsJson = False,
) -> None:
    """Export stored sessions: as rows, or as OCPI 2.2.1 CDRs.

    Example: ev-pipeline export sessions --from 2018-01-01 --format parquet --output year.parquet
    """
    from ev_pipeline.exports.cdr_file import require_party, write_cdrs  # noqa: PLC0415 -- --help
    from ev_pipeline.settings import load_settings  # noqa: PLC0415 -- stays fast
    from ev_pipeline.storage.outgoing import (  # noqa: PLC0415 -- the same
        outgoing_sessions,
        outgoing_with_stations,
    )

    _check(format_, output, as_json=as_json)
    settings = load_settings()
    with _chosen(settings, first, last, station, scope) as (engine, wanted):
        if format_ is Format.OCPI:
            require_party(settings)
            frames = outgoing_with_stations(engine, wanted)
            exported = _written(output, lambda file: _Exported(*write_cdrs(frames, file, settings)))
        else:
            exported = _write_rows(outgoing_sessions(engine, wanted), format_, output)
    _tell("sessions", format_, output, exported, as_json=as_json)


@_commands.command("labels")
def export_labels(
    *,
    format_: _FormatOption = Format.CSV,
    output: _Output = None,
    first: _Since = None,
    last: _Until = None,
    station: Station = None,
    scope: _Scope = None,
    as_json: _AsJson = False,
) -> None:
    """Export the champion's labels, one line a session.

    Example: ev-pipeline export labels --station CP-0001 --output labels.csv
    """
    from ev_pipeline.settings import load_settings  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.storage.outgoing import outgoing_labels  # noqa: PLC0415 -- the same
    from ev_pipeline.storage.registry import read_champion  # noqa: PLC0415 -- the same

    _check(format_, output, as_json=as_json, without_ocpi="labels")
    with _chosen(load_settings(), first, last, station, scope) as (engine, wanted):
        with engine.connect() as connection:
            if read_champion(connection) is None:
                raise PipelineError(
                    "no model is champion, so no session has a label",
                    mend="train one with `ev-pipeline run retrain`",
                )
        exported = _write_rows(outgoing_labels(engine, wanted), format_, output)
    _tell("labels", format_, output, exported, as_json=as_json)


@_commands.command("period")
def export_period(
    *,
    first: First,
    last: Last,
    station: Station = None,
    format_: _FormatOption = Format.CSV,
    output: _Output = None,
    as_json: _AsJson = False,
) -> None:
    """Export a period report, one line a day.

    Example: ev-pipeline export period --from 2018-01-01 --to 2018-03-31 --output quarter.csv
    """
    from ev_pipeline.panels.period_report import as_csv, as_frame  # noqa: PLC0415 -- --help

    _check(format_, output, as_json=as_json, without_ocpi="periods")
    report = read_report(first, last, station)
    if format_ is Format.PARQUET:
        exported = _write_rows(iter([as_frame(report)]), format_, output)
    else:
        days = len(report["by_day"])

        def write(file: BinaryIO) -> _Exported:
            file.write(as_csv(report).encode())
            return _Exported(days)

        exported = _written(output, write)
    _tell("days", format_, output, exported, as_json=as_json)


def _check(
    format_: Format, output: Path | None, *, as_json: bool, without_ocpi: str | None = None
) -> None:
    """Pass only if the options go together.

    Raises:
        typer.BadParameter: they do not.
    """
    if format_ is Format.OCPI and without_ocpi is not None:
        raise typer.BadParameter(_WITHOUT_OCPI.format(without_ocpi))
    if as_json and output is None:
        raise typer.BadParameter("--json takes standard output: name a file with --output")
    if format_ is Format.PARQUET and output is None and sys.stdout.isatty():
        raise typer.BadParameter("a Parquet file is nothing to read: name it with --output")


@contextmanager
def _chosen(
    settings: "Settings",
    first: str | None,
    last: str | None,
    station: str | None,
    scope: str | None,
) -> Iterator[tuple["sa.Engine", "Wanted"]]:
    """The database, and the sessions that the options ask for.

    Raises:
        PipelineError: there is no such day, station or operator.
    """
    from ev_pipeline.domain.periods import read_span  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.panels.period_request import read_station  # noqa: PLC0415 -- the same
    from ev_pipeline.storage.outgoing import Wanted, require_known  # noqa: PLC0415 -- the same

    since, until = read_span(first, last, settings.zone)
    wanted = Wanted(since, until, read_station(station), scope)
    with database(settings) as engine:
        require_known(engine, wanted)
        yield engine, wanted


def _write_rows(
    frames: "Iterator[pl.DataFrame]", format_: Format, output: Path | None
) -> _Exported:
    from ev_pipeline.exports.tables import Table, write_table  # noqa: PLC0415 -- --help stays fast

    table = Table(format_.value)
    return _written(output, lambda file: _Exported(write_table(frames, file, table)))


def _written(output: Path | None, write: Callable[[BinaryIO], _Exported]) -> _Exported:
    from ev_pipeline.exports.destination import opened  # noqa: PLC0415 -- --help stays fast

    with opened(output) as file:
        return write(file)


def _tell(
    what: str, format_: Format, output: Path | None, exported: _Exported, *, as_json: bool
) -> None:
    """Say on standard error how many there are, and how many are not and why."""
    n_refused = exported.refused.total()
    if as_json:
        print_json(
            {
                "exported": exported.count,
                "not_exported": n_refused,
                "reasons": [
                    {"field": field, "reason": why, "sessions": number}
                    for (field, why), number in exported.refused.most_common()
                ],
                "format": format_.value,
                "output": str(output),
            }
        )
        return
    place = "" if output is None else f" in {output}"
    messages.print(escape(f"{exported.count:,} {what}{place}"), soft_wrap=True)
    if n_refused:
        messages.print(f"{n_refused:,} {what} are no CDRs:", soft_wrap=True)
    for (field_, why), number in exported.refused.most_common():
        messages.print(escape(f"  {number:,}: {field_}: {why}"), soft_wrap=True)
