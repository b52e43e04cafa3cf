"""`sources`: which mappings there are, and how a file would be read by one.

What lives here: what a person or a program is shown. What does not: reading (`sources`), the rules
(`domain.validation`).
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape

from ev_pipeline.cli.output import messages, print_json, print_table, results
from ev_pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    import polars as pl

    from ev_pipeline.sources.explain import FileReading
    from ev_pipeline.sources.mapping import Mapping

sources_app = typer.Typer(
    help="Mappings of file formats: list them, draft one, try one on a file."
    "\n\nExample: ev-pipeline sources check dundee cpdata.csv"
)

_DECIDED_ELSEWHERE: Final = frozenset({"station_unregistered"})
"""Codes that depend on what is stored, which a look at a file leaves alone."""

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
    n_records: Annotated[int, typer.Option("--rows", min=1, help="How many records.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Show how the first records of FILE would be read, and what would be refused; store nothing.

    Example: ev-pipeline sources check dundee cpdata.csv --rows 3
    """
    from ev_pipeline.sources.explain import explain  # noqa: PLC0415 - --help stays fast
    from ev_pipeline.sources.mapping import load_mapping  # noqa: PLC0415

    mapping = load_mapping(mapping_name)
    now = datetime.now(UTC)
    reading = explain(path, mapping, n_records=n_records, received_at=now)
    records = _judged(reading, mapping, load_settings(), now)
    if as_json:
        document = {
            "mapping": mapping.name,
            "file": str(path),
            "absent_columns": reading.absent,
            "records": records,
        }
        print_json(document)
        return
    _print_reading(reading, records, path)


def draft(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV or JSON file.")],
) -> None:
    """Print a first mapping for an unseen file, with comments on what to check and finish.

    Example: ev-pipeline sources draft my_export.csv > my_source.toml
    """
    from ev_pipeline.sources.draft.draft import draft_mapping  # noqa: PLC0415 - --help stays fast

    sys.stdout.write(draft_mapping(path))


def _judged(
    reading: "FileReading", mapping: "Mapping", settings: Settings, now: datetime
) -> list[dict[str, Any]]:
    """The records as documents, with what the rules say of each."""
    from ev_pipeline.domain.validation import describe  # noqa: PLC0415 - --help stays fast

    if not reading.fields:
        return []
    judged = _validated(reading.frame, mapping, settings, now)
    records = []
    for row, fields in zip(judged.iter_rows(named=True), reading.fields, strict=True):
        errors = [
            {**error, "message": describe(error["code"], error["field"], error["value"], settings)}
            for error in row["errors"]
        ]
        warnings, notes = (
            [
                {"code": code, "message": describe(code, None, None, settings)}
                for code in row[kind]
                if code not in _DECIDED_ELSEWHERE
            ]
            for kind in ("warnings", "notes")
        )
        outcome = "quarantined" if errors else "stored with a warning" if warnings else "stored"
        readings = {
            name: {"value": field.value, "from": field.origin, "text": field.text}
            for name, field in fields.items()
        }
        records.append(
            {
                "line": row["line"],
                "outcome": outcome,
                "fields": readings,
                "errors": errors,
                "warnings": warnings,
                "notes": notes,
            }
        )
    return records


def _validated(
    frame: "pl.DataFrame", mapping: "Mapping", settings: Settings, now: datetime
) -> "pl.DataFrame":
    """The frame with what the rules say, where no station is known."""
    import polars as pl  # noqa: PLC0415 - --help stays fast

    from ev_pipeline.domain.localtime import station_clock  # noqa: PLC0415
    from ev_pipeline.domain.validation import validate, validate_stations  # noqa: PLC0415

    if mapping.records != "session":
        return validate_stations(
            frame, key_field="name" if mapping.records == "site" else "station_id"
        )
    zones = frame["zone"].fill_null(settings.timezone)
    stations = pl.DataFrame(
        schema={"station_id": pl.String, "is_registered": pl.Boolean, "power_kw": pl.Float64}
    )
    return validate(
        frame.with_columns(started_local_at=station_clock(frame["started_at"], zones)),
        stations=stations,
        limits=settings,
        received_at=now,
        resolution_s=mapping.resolution_s,
    )


def _print_reading(reading: "FileReading", records: list[dict[str, Any]], path: Path) -> None:
    if not records:
        _tell(f"{path} holds no records, only a header")
    for record, raw in zip(records, reading.raw, strict=True):
        results.print(f"[bold]line {record['line']}: {record['outcome']}[/bold]")
        results.print(escape(raw.decode("utf-8", "replace")), style="dim", soft_wrap=True)
        rows = [
            (name, _shown(field["value"]), field["from"], field["text"])
            for name, field in record["fields"].items()
        ]
        cells = [[None if cell is None else escape(str(cell)) for cell in row] for row in rows]
        print_table(("field", "became", "from", "where it says"), cells)
        for kind, style in (("errors", "red"), ("warnings", "yellow"), ("notes", "cyan")):
            for finding in record[kind]:
                line = f"{finding['code']}: {finding['message']}"
                results.print(
                    f"  {kind.removesuffix('s')} {escape(line)}", style=style, soft_wrap=True
                )
        results.print()
    if reading.absent:
        _tell(f"columns that this file lacks: {', '.join(reading.absent)}")


def _tell(message: str) -> None:
    messages.print(escape(message), soft_wrap=True)


def _shown(value: Any) -> str | None:
    """A value as a person reads it; times with their offset, nothing as nothing."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return None if value is None else str(value)
