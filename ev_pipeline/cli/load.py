"""`load` and `loads`: files in, what was loaded, and one load back out.

What lives here: options, and what a person or a program is told. What does not: loading
(`ev_pipeline.intake`).
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape

from ev_pipeline.cli.database import database
from ev_pipeline.cli.output import messages, print_json, print_table
from ev_pipeline.domain.errors import PipelineError

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy as sa

    from ev_pipeline.intake.job import LoadResult
    from ev_pipeline.settings import Settings

loads_app = typer.Typer(
    help="What was loaded when; take one load back.\n\nExample: ev-pipeline loads list",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

_COUNTS: Final = ("received", "stored", "updated", "duplicate", "quarantined")
_CODES: Final = ("reasons", "warnings", "notes")


def register(app: typer.Typer) -> None:
    """Add the commands to the root command."""
    app.command("load")(load)
    loads_app.command("list")(list_loads)
    loads_app.command("undo")(undo)
    app.add_typer(loads_app, name="loads")


def load(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A shipped mapping's name, or a TOML file.")
    ],
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="CSV or JSON files, perhaps packed.",
            readable=False,  # not typer's look beforehand, which would keep the others out too
        ),
    ],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, and store nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Load files of sessions, stations or sites; what fails validation goes to quarantine.

    Example: ev-pipeline load dundee cpdata.csv cp-data-dec-mar-2018.csv
    """
    from ev_pipeline.settings import load_settings  # noqa: PLC0415 -- --help stays fast

    settings = load_settings()
    _give_way(settings)
    from ev_pipeline.intake.load import load_file  # noqa: PLC0415 -- polars counts cores once
    from ev_pipeline.sources.mapping import load_mapping  # noqa: PLC0415 -- the same

    mapping = load_mapping(source)
    results: list[LoadResult] = []
    failed = False
    with database(settings) as engine:
        for path in paths:
            try:
                with _progress(path) as progress:
                    result = load_file(
                        engine, settings, mapping, path, dry_run=dry_run, progress=progress
                    )
            except PipelineError as error:
                failed = True
                messages.print(f"[red]error:[/red] {escape(str(error))}", soft_wrap=True)
                continue
            results.append(result)
            _tell_skipped(result)
            if result.tally.counts.received == 0:
                _tell_empty(result)
            elif not as_json:
                _print_result(result)
        _tell_other_zone(engine, settings)
        if not dry_run:
            _tell_dagster(settings, engine, mapping.records, results)
    if as_json:
        print_json(_sums(mapping.name, results))
    elif mapping.records == "session" and not dry_run:
        _tell_unlabelled(results)
    if failed:
        raise typer.Exit(1)


def _give_way(settings: "Settings") -> None:
    """A file can wait for its share of the cores; what chargers report meanwhile cannot."""
    from ev_pipeline.stack import stream_worker  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.stack.priority import (  # noqa: PLC0415 -- the same
        NICENESS,
        let_chargers_go_first,
    )

    if stream_worker.trouble(settings.metrics_port):
        os.nice(NICENESS)
    else:
        let_chargers_go_first()


def _tell_empty(result: "LoadResult") -> None:
    name = escape(result.path)
    messages.print(f"{name} holds no records: nothing to load", soft_wrap=True)


def _tell_skipped(result: "LoadResult") -> None:
    if skipped := result.skipped.in_words():
        name = escape(result.path)
        messages.print(f"{name}: lines that are not counted: {skipped}", soft_wrap=True)


def _tell_unlabelled(results: list["LoadResult"]) -> None:
    counts = [result.tally.counts for result in results]
    if any(count.stored + count.updated for count in counts):
        messages.print(
            "models have not seen what was stored: `ev-pipeline run retrain` trains and labels it,"
            " and runs every night by itself while the stack is up",
            soft_wrap=True,
        )


def _tell_dagster(
    settings: "Settings", engine: "sa.Engine", records: str, results: list["LoadResult"]
) -> None:
    from ev_pipeline.cli.lineage import tell_dagster  # noqa: PLC0415 -- --help stays fast

    changed = [each for each in results if each.tally.counts.stored + each.tally.counts.updated]
    if not changed:
        return
    n_stored = sum(each.tally.counts.stored for each in changed)
    n_updated = sum(each.tally.counts.updated for each in changed)
    numbers = ", ".join(f"{each.load_id} ({Path(each.path).name})" for each in changed)
    what = f"{n_stored:,} stored, {n_updated:,} updated by load {numbers}"
    tell_dagster(settings, engine, records, what)


def _tell_other_zone(engine: "sa.Engine", settings: "Settings") -> None:
    from ev_pipeline.storage.rollups import zone_of_days  # noqa: PLC0415 -- --help stays fast

    zone = zone_of_days(engine)
    if zone not in {None, settings.timezone}:
        messages.print(
            f"the stations' days are formed in {zone}, and EV_TIMEZONE is {settings.timezone};"
            " `ev-pipeline migrate` forms them anew",
            soft_wrap=True,
        )


def list_loads(*, as_json: AsJson = False) -> None:
    """List every load, newest first, also those that were taken back.

    Example: ev-pipeline loads list
    """
    from ev_pipeline.settings import load_settings  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.storage import loads  # noqa: PLC0415

    with database(load_settings()) as engine, engine.connect() as connection:
        rows = loads.list_loads(connection)
    if as_json:
        print_json(rows)
        return
    print_table(
        ("load", "source: file", "loaded", "received", "stored", "refused"),
        (
            (
                row["load_id"],
                f"{row['source']}: {Path(row['path']).name}",
                _day(row["started_at"]) + _taken_back(row["undone_at"]),
                f"{row['received']:,}",
                f"{row['stored']:,}",
                f"{row['quarantined']:,}",
            )
            for row in rows
        ),
    )


def undo(
    load_id: Annotated[int, typer.Argument(metavar="LOAD", help="Its number in `loads list`.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Take one load back: tables and ledger are as if it had never been.

    Example: ev-pipeline loads undo 7
    """
    from ev_pipeline.intake.undo import undo_load  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    with database(settings) as engine:
        undone = undo_load(engine, settings, load_id)
    if as_json:
        document = {"load_id": load_id, **undone.counts.as_columns()}
        print_json({**document, "to_load_again": undone.to_load_again})
        return
    counts = undone.counts
    messages.print(
        f"load {load_id} is taken back: {counts.stored:,} stored, {counts.updated:,} updated,"
        f" {counts.quarantined:,} quarantined"
    )
    if undone.to_load_again:
        again = ", ".join(str(load_id) for load_id in undone.to_load_again)
        messages.print(
            f"[yellow]loads {again} had met some of its records, and counted them as duplicates:"
            " take these back and load their files again if those records are to stay[/yellow]"
        )


@contextmanager
def _progress(path: Path) -> Iterator["Callable[[int], None]"]:
    """Says how many records of the file were read, where somebody watches."""
    from ev_pipeline.sources.files import name_of  # noqa: PLC0415 -- --help stays fast

    name = escape(name_of(path))
    with messages.status(f"{name}: opening") as status:
        yield lambda n_read: status.update(f"{name}: {n_read:,} records read")


def _print_result(result: "LoadResult") -> None:
    """A file's counts, and what was said of its records."""
    counts, codes = result.tally.counts, result.as_document()
    rate = round(counts.received / result.duration_s)
    number = "dry run, nothing stored" if result.load_id is None else f"load {result.load_id}"
    print_table(
        (*_COUNTS, "rows/s"),
        [[f"{count:,}" for count in (*counts.as_columns().values(), rate)]],
        title=escape(f"{result.path} ({number})"),
    )
    said = [(kind, code, f"{n:,}") for kind in _CODES for code, n in codes[kind].items()]
    if said:
        print_table(("what", "code", "records"), said)


def _sums(source: str, results: list["LoadResult"]) -> dict[str, Any]:
    documents = [result.as_document() for result in results]
    sums = {name: sum(document[name] for document in documents) for name in _COUNTS}
    codes = {name: sum((Counter(d[name]) for d in documents), Counter()) for name in _CODES}
    return {"source": source, **sums, **{name: dict(by_code) for name, by_code in codes.items()}}


def _day(moment: datetime) -> str:
    """A time as a list has room for it; `--json` has all of it."""
    return f"{moment:%Y-%m-%d}"


def _taken_back(undone_at: datetime | None) -> str:
    return "" if undone_at is None else f" taken back {_day(undone_at)}"
