"""`ev-pipeline models`: the registry, and a person's say in who is champion.

What lives here: the commands. What does not: the registry (`storage.registry`) and how a champion
is made (`storage.promotion`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ev_pipeline.cli.database import database
from ev_pipeline.cli.output import messages, print_json, print_table, results
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import load_settings

if TYPE_CHECKING:
    import sqlalchemy as sa


_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

_commands = typer.Typer(
    no_args_is_help=True, help="The model registry.\n\nExample: ev-pipeline models list"
)


def register(app: typer.Typer) -> None:
    """Add the commands under `models`."""
    app.add_typer(_commands, name="models")


@_commands.command("list")
def list_models(as_json: _Json = False) -> None:
    """List every version, the newest first. Example: ev-pipeline models list."""
    from ev_pipeline.storage.registry import list_versions  # noqa: PLC0415 - a lazy import

    with database(load_settings()) as engine, engine.connect() as connection:
        versions = list_versions(connection)
    if as_json:
        print_json([asdict(version) for version in versions])
        return
    print_table(
        ["version", "trained", "champion", "verdict", "reason"],
        (
            (
                version.version,
                f"{version.trained_at:%Y-%m-%d %H:%M} UTC",
                "yes" if version.is_champion else "",
                version.verdict,
                version.reason,
            )
            for version in versions
        ),
    )


@_commands.command()
def show(
    version: Annotated[str | None, typer.Argument(help="By default the champion.")] = None,
    as_json: _Json = False,
) -> None:
    """Show a version's card, parameters and measures. Example: ev-pipeline models show."""
    from ev_pipeline.storage.registry import read_champion, read_version  # noqa: PLC0415 - lazy

    with database(load_settings()) as engine, engine.connect() as connection:
        found = read_champion(connection) if version is None else read_version(connection, version)
    if found is None:
        raise _unknown(version)
    document: dict[str, Any] = asdict(found)
    if as_json:
        print_json(document)
        return
    parts = {name: document.pop(name) for name in ("parameters", "measures")}
    card, names = document.pop("card"), document.pop("cluster_names")
    document["clusters"] = "; ".join(f"{number}: {name}" for number, name in names.items())
    print_table(["field", "value"], document.items(), title=found.version)
    for title, by_part in parts.items():
        # Lists and what is compared are for programs; the card tells people of them.
        rows = [
            (part, name, value)
            for part, values in by_part.items()
            for name, value in values.items()
            if not isinstance(value, (list, dict))
        ]
        print_table(["part", "name", "value"], rows, title=title)
    results.print(card or "no card was written for this version", markup=False)


@_commands.command()
def promote(
    version: Annotated[str, typer.Argument(help="A version of `models list`.")],
    as_json: _Json = False,
) -> None:
    """Make a version the champion. Example: ev-pipeline models promote VERSION."""
    from ev_pipeline.storage.registry import read_version  # noqa: PLC0415 - a lazy import

    with database(load_settings()) as engine:
        with engine.connect() as connection:
            if read_version(connection, version) is None:
                raise _unknown(version)
        with _models_lock(engine, "promote"):
            _promote(engine, version, reason="promoted by hand", as_json=as_json)


@_commands.command()
def rollback(as_json: _Json = False) -> None:
    """Make the previous champion the champion again. Example: ev-pipeline models rollback."""
    from ev_pipeline.storage.registry import read_champion, read_previous_champion  # noqa: PLC0415

    # Under the lock: a promotion that ends meanwhile changes what "previous" means.
    with database(load_settings()) as engine, _models_lock(engine, "rollback"):
        with engine.connect() as connection:
            champion = read_champion(connection)
            previous = read_previous_champion(connection)
        if champion is None or previous is None:
            raise PipelineError(
                "there is no previous champion", mend="see `ev-pipeline models list`"
            )
        reason = f"rolled back from {champion.version}"
        _promote(engine, previous.version, reason=reason, as_json=as_json)


@contextmanager
def _models_lock(engine: "sa.Engine", command: str) -> Iterator[None]:
    from ev_pipeline.storage.models_lock import COMMAND_WAIT_S, models_lock  # noqa: PLC0415 - lazy

    holder = f"`ev-pipeline models {command}`"
    with models_lock(engine, holder=holder, wait_s=COMMAND_WAIT_S):
        yield


def _promote(engine: "sa.Engine", version: str, *, reason: str, as_json: bool) -> None:
    from ev_pipeline.storage import promotion  # noqa: PLC0415 - a lazy import

    messages.print(f"labelling what {version} has no label for")
    done = promotion.promote(engine, version, reason=reason, promoted_at=datetime.now(UTC))
    if as_json:
        print_json(asdict(done))
    else:
        messages.print(f"champion: {done.version}; {done.n_labels:,} labels written")


def _unknown(version: str | None) -> PipelineError:
    if version is None:
        return PipelineError("there is no champion", mend="train one: `ev-pipeline run retrain`")
    return PipelineError(
        f"there is no model version {version}", mend="see `ev-pipeline models list`"
    )
