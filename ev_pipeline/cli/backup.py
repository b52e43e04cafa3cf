"""`backup` and `restore`: everything that a stack keeps, put away and brought back.

What lives here: options, the question, what is told. What does not: the work (`stack`).
"""

import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from ev_pipeline.cli.errors import COMMAND
from ev_pipeline.cli.output import messages, print_json
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import load_settings

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Directory = Annotated[
    Path, typer.Argument(metavar="DIR", help="The backup, a directory.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands to the root command."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(directory: Directory, *, as_json: AsJson = False) -> None:
    """Write everything that this home keeps to DIR, while the stack is up or down.

    Both databases, accounts, passwords, certificates with the authority's key, the broker's queue:
    whoever reads DIR can do all that the stack can.

    Example: ev-pipeline backup /var/backups/ev-2026-05-04
    """
    from ev_pipeline.stack.backup import back_up  # noqa: PLC0415 -- --help stays fast

    directory = directory.absolute()
    manifest = back_up(
        load_settings(),
        directory,
        version=version(COMMAND),
        now=datetime.now(tz=UTC),
        report=_tell,
    )
    if as_json:
        print_json(_document(directory, manifest))
        return
    size = f"{len(manifest.files)} files, {manifest.n_bytes / 1e6:,.1f} MB"
    _tell(f"the backup is in {directory}: {size}; keep it as secret as the stack's own files")


def restore(
    directory: Directory,
    *,
    is_replacing: Annotated[
        bool,
        typer.Option("--replace", help="Put it in the place of what the home holds; asks first."),
    ] = False,
    is_agreed: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a backup back into this home, which `up` then starts.

    EV_HOME, ports and addresses may be others than those of the backup; a schema of an earlier
    version is brought up to date.

    Example: EV_HOME=/var/lib/ev-pipeline ev-pipeline restore /var/backups/ev-2026-05-04
    """
    from ev_pipeline.stack import restore as restoring  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.stack.handing_out import USER_KEY  # noqa: PLC0415 -- the same

    directory = directory.absolute()
    settings = load_settings()
    manifest = restoring.open_backup(directory)
    is_held = restoring.holds_a_stack(settings.home)
    if is_held and is_replacing and not is_agreed:
        _ask(settings.home)
    restoring.restore_home(settings, directory, manifest, is_replacing=is_replacing, report=_tell)
    restoring.hand_out(load_settings())  # read anew: the ports may be those of the backup
    missing = restoring.missing_mappings(settings.home)
    missing_key = restoring.missing_key(settings)
    if as_json:
        document = {**_document(directory, manifest), "home": str(settings.home)}
        document |= {"missing_mappings": missing, "missing_key": missing_key}
        print_json({**document, "is_replaced": is_held})
        return
    for name, file in missing.items():
        _tell(f"the account {name} is bound to {file}, which is not here: put it there")
    if missing_key:
        kept = settings.home / USER_KEY
        _tell(f"EV_USER_ID_KEY_FILE names {missing_key}, which is not here: unset it to use {kept}")
    _tell(f"{settings.home} is as of {manifest.created_at:%Y-%m-%d %H:%M:%S} UTC; start it with up")


def _ask(home: Path) -> None:
    """A person agreed.

    Raises:
        PipelineError: there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise PipelineError(
            "what it holds would be removed, and there is nobody to ask",
            mend="say --yes if it may go",
            where=str(home),
        )
    typer.confirm(
        f"Remove what {home} holds, and put the backup in its place?", abort=True, err=True
    )


def _document(directory: Path, manifest: Any) -> dict[str, Any]:
    return {
        "directory": str(directory),
        "version": manifest.version,
        "schema_revision": manifest.schema_revision,
        "created_at": manifest.created_at,
        "n_files": len(manifest.files),
        "n_bytes": manifest.n_bytes,
    }


def _tell(line: str) -> None:
    messages.print(escape(line), soft_wrap=True)
