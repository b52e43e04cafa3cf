"""`sources`: which mappings there are, and how a file would be read by one.

What lives here: what a person or a program is shown. What does not: reading (`sources`), the rules
(`domain.validation`).
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ev_pipeline.cli.output import print_json, print_table
from ev_pipeline.cli.reading_report import as_document, print_reading
from ev_pipeline.settings import load_settings

sources_app = typer.Typer(
    help="Mappings of file formats: list them, draft one, try one on a file."
    "\n\nExample: ev-pipeline sources check dundee cpdata.csv"
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the root command."""
    sources_app.callback(invoke_without_command=True)(list_sources)
    sources_app.command("check")(check)
    sources_app.command("draft")(draft)
    app.add_typer(sources_app, name="sources")


def list_sources(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the mappings that come with the package.

    Example: ev-pipeline sources
    """
    if context.invoked_subcommand is not None:
        if as_json:
            raise typer.BadParameter(
                f"write it behind the command: sources {context.invoked_subcommand} --json",
                param_hint="--json",
            )
        return
    from ev_pipeline.sources.mapping import shipped_mappings  # noqa: PLC0415 - --help stays fast

    mappings = shipped_mappings().values()
    if as_json:
        names = ("name", "records", "scope", "title")
        print_json([{name: getattr(mapping, name) for name in names} for mapping in mappings])
        return
    rows = [(mapping.name, mapping.records, mapping.title) for mapping in mappings]
    print_table(("name", "records", "title"), rows)


def check(
    mapping_name: Annotated[
        str, typer.Argument(metavar="MAPPING", help="A shipped mapping's name, or a TOML file.")
    ],
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV or JSON file.")],
    *,
    n_records: Annotated[int, typer.Option("--rows", min=1, help="How many records to show.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Show how the first records of FILE would be read, and what would be refused; store nothing.

    Example: ev-pipeline sources check dundee cpdata.csv --rows 3
    """
    from ev_pipeline.sources.explain import explain  # noqa: PLC0415 - --help stays fast
    from ev_pipeline.sources.mapping import load_mapping  # noqa: PLC0415

    mapping = load_mapping(mapping_name)
    reading = explain(
        path,
        mapping,
        settings=load_settings(),
        n_records=n_records,
        received_at=datetime.now(UTC),
    )
    if as_json:
        print_json(as_document(reading, mapping.name, path))
    else:
        print_reading(reading, path)


def draft(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV or JSON file.")],
) -> None:
    """Print a first mapping for an unseen file, with comments on what to check and finish.

    Example: ev-pipeline sources draft my_export.csv > my_source.toml
    """
    from ev_pipeline.sources.draft.draft import draft_mapping  # noqa: PLC0415 - --help stays fast

    sys.stdout.write(draft_mapping(path))
