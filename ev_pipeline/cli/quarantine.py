"""`quarantine`: what was refused and why, and another try after a fix.

What lives here: options, and what a person or a program is told. What does not: queries
(`storage.quarantine_queries`) and replay (`intake.replay`).
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ev_pipeline.cli.database import database
from ev_pipeline.cli.output import messages, print_json, print_table
from ev_pipeline.domain.codes import Severity, code_names
from ev_pipeline.domain.errors import PipelineError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ev_pipeline.intake.job import LoadResult
    from ev_pipeline.settings import Settings
    from ev_pipeline.storage.quarantine_queries import Selection

quarantine_app = typer.Typer(
    help="What was refused and why; try it again.\n\nExample: ev-pipeline quarantine list",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Source = Annotated[
    str | None, typer.Option("--source", help="Only of this mapping.", show_default=False)
]
Code = Annotated[
    str | None, typer.Option("--code", help="Only with this reason.", show_default=False)
]
Load = Annotated[
    int | None, typer.Option("--load", help="Only met by this load.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands to the root command."""
    quarantine_app.command("list")(list_quarantine)
    quarantine_app.command("show")(show)
    quarantine_app.command("replay")(replay)
    app.add_typer(quarantine_app, name="quarantine")


def list_quarantine(
    *,
    source: Source = None,
    code: Code = None,
    load_id: Load = None,
    settled: Annotated[bool, typer.Option("--all", help="Settled entries too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List quarantined records, the newest first.

    Example: ev-pipeline quarantine list --code no_energy --limit 10
    """
    from ev_pipeline.settings import load_settings  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.storage.quarantine_queries import (  # noqa: PLC0415
        Selection,
        count_entries,
        list_entries,
    )

    _require_code(code)
    selection = Selection(source=source, code=code, load_id=load_id, is_open=not settled)
    with database(load_settings()) as engine, engine.connect() as connection:
        entries = list_entries(connection, selection, limit=limit)
        n_entries = count_entries(connection, selection)
    if as_json:
        print_json(entries)
        return
    _print_entries(entries, settled=settled)
    messages.print(f"{len(entries):,} of {n_entries:,}")


def _print_entries(entries: list[dict[str, Any]], *, settled: bool) -> None:
    """As much of each as 80 columns have room for; all of it is in `--json` and `show`."""
    print_table(
        ("id", *(["state"] if settled else []), "source", "reasons", "station", "started", "seen"),
        (
            (
                entry["quarantine_id"],
                *([entry["state"]] if settled else []),
                entry["origin"],
                _cell(entry["codes"]),
                entry["station_id"],
                entry["started_at"] and f"{entry['started_at']:%Y-%m-%d}",
                entry["times_seen"],
            )
            for entry in entries
        ),
    )


def show(
    quarantine_id: Annotated[int, typer.Argument(metavar="ID", help="Its number in the list.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show one quarantined record: its reasons, its bytes, and where it was met.

    Example: ev-pipeline quarantine show 12
    """
    from ev_pipeline.settings import load_settings  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.storage.quarantine_queries import show_entry  # noqa: PLC0415

    with database(load_settings()) as engine, engine.connect() as connection:
        entry = show_entry(connection, quarantine_id)
    entry["raw"] = entry["raw"] and entry["raw"].decode(errors="replace")
    if as_json:
        print_json(entry)
        return
    reasons, met = entry.pop("reasons"), entry.pop("met")
    print_table(("field", "value"), ((name, _cell(value)) for name, value in entry.items()))
    print_table(("reason", "message"), ((reason["code"], reason["message"]) for reason in reasons))
    print_table(("load", "file", "line"), ((p["load_id"], p["path"], p["line"]) for p in met))


def replay(
    quarantine_ids: Annotated[
        list[int] | None, typer.Argument(metavar="[ID]...", help="By default every open one.")
    ] = None,
    *,
    source: Source = None,
    code: Code = None,
    load_id: Load = None,
    mapping: Annotated[
        str | None,
        typer.Option(help="Read them by this mapping instead, after it was mended."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge quarantined records again, by the limits and stations of this moment.

    Example: ev-pipeline quarantine replay --code energy_over_1000_kwh
    """
    from ev_pipeline.intake.replay import replay as replay_entries  # noqa: PLC0415 -- fast --help
    from ev_pipeline.settings import load_settings  # noqa: PLC0415
    from ev_pipeline.sources.mapping import load_mapping  # noqa: PLC0415

    settings = load_settings()
    mended = None if mapping is None else load_mapping(mapping)
    selection = _selection(source, code, load_id, quarantine_ids or [])
    with database(settings) as engine:
        _require_entries(engine, selection.quarantine_ids)
        results = replay_entries(engine, settings, selection, mended=mended)
        n_unkept = _count_unkept(engine, selection)
        _tell_dagster(settings, engine, results)
    if n_unkept:
        messages.print(f"{n_unkept:,} are not kept as they came, and cannot be judged again")
    documents = [{"load_id": result.load_id, **result.as_document()} for result in results]
    if as_json:
        print_json(documents)
        return
    shown = ("load_id", "source", "received", "stored", "updated", "duplicate", "quarantined")
    print_table(shown, ([document[name] for name in shown] for document in documents))


def _count_unkept(engine: "sa.Engine", selection: "Selection") -> int:
    from ev_pipeline.storage.quarantine_queries import count_entries  # noqa: PLC0415 -- fast --help

    with engine.connect() as connection:
        return count_entries(connection, replace(selection, is_unkept=True))


def _tell_dagster(settings: "Settings", engine: "sa.Engine", results: list["LoadResult"]) -> None:
    from ev_pipeline.cli.lineage import tell_dagster  # noqa: PLC0415 -- fast --help

    counts = [result.tally.counts for result in results]
    if n_changed := sum(count.stored + count.updated for count in counts):
        what = f"{n_changed:,} stored or updated by a replay from quarantine"
        tell_dagster(settings, engine, "session", what)


def _selection(
    source: str | None, code: str | None, load_id: int | None, quarantine_ids: list[int]
) -> "Selection":
    from ev_pipeline.storage.quarantine_queries import Selection  # noqa: PLC0415 -- fast --help

    _require_code(code)
    return Selection(source, code, load_id, tuple(quarantine_ids))


def _require_code(code: str | None) -> None:
    """Only errors send a record to quarantine, so that no other code can be a reason.

    Raises:
        PipelineError: there is no such error.
    """
    known = code_names(Severity.ERROR)
    if code is not None and code not in known:
        raise PipelineError(
            f"no record is quarantined for {code}", mend=f"name one of {', '.join(known)}"
        )


def _require_entries(engine: "sa.Engine", quarantine_ids: tuple[int, ...]) -> None:
    from ev_pipeline.storage.quarantine_queries import Selection, list_entries  # noqa: PLC0415

    if not quarantine_ids:
        return
    asked = Selection(quarantine_ids=quarantine_ids, is_open=False)
    with engine.connect() as connection:
        known = {entry["quarantine_id"] for entry in list_entries(connection, asked, limit=None)}
    if unknown := sorted(set(quarantine_ids) - known):
        raise PipelineError(
            f"there is no quarantined record {', '.join(map(str, unknown))}",
            mend="see `ev-pipeline quarantine list`",
        )


def _cell(value: Any) -> Any:
    """Lists and times as people read them in a table."""
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return value if not hasattr(value, "strftime") else f"{value:%Y-%m-%d %H:%M} UTC"
