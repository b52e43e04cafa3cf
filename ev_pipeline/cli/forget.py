"""`forget`: one user is erased everywhere, and nothing brings them back.

What lives here: asking first, and what a person or a program is told. What does not: erasing
(`intake.forget`).
"""

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ev_pipeline.cli.database import database
from ev_pipeline.cli.output import messages, print_json, print_table
from ev_pipeline.cli.person import who
from ev_pipeline.domain.errors import PipelineError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ev_pipeline.intake.forget import Forgotten

_TOLD: Final = {
    "sessions": "sessions, which stay as energy that flowed",
    "revisions": "former revisions of sessions",
    "changes": "rows of the change log",
    "labels": "labels, given anew",
    "session_features": "features of sessions",
    "user_features": "features of the user",
    "quarantined": "refused records",
    "models": "models that knew the user's habits",
    "loads": "names of loaded files",
}


def register(app: typer.Typer) -> None:
    """Add the command to the root command."""
    app.command("forget")(forget)


def forget(
    user: Annotated[
        str,
        typer.Argument(
            metavar="USER", help="The user's id, as the source writes it, or its hash; - reads it."
        ),
    ],
    *,
    scope: Annotated[
        str | None,
        typer.Option(help="The operator whose user it is; by default EV_OPERATOR."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Erase one user everywhere, for good, and keep their records from bringing them back.

    Their sessions stay, without the user and what tells of the vehicle. A file that is loaded again
    stores them no more than that. What stays of the user is a hash that only the key can make.

    Example: ev-pipeline forget driver-17 --dry-run
    """
    from ev_pipeline.intake.forget import forget_user  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.settings import load_settings  # noqa: PLC0415

    if not (yes or dry_run):
        _require_person()
    settings = load_settings()
    user_id = sys.stdin.readline().strip() if user == "-" else user
    operator = scope or settings.operator
    with database(settings) as engine:
        _require_operator(engine, scope)

        def erase(*, is_tried: bool) -> "Forgotten":
            return forget_user(
                engine, settings, user_id, scope=operator, by=who(), dry_run=is_tried
            )

        if not (yes or dry_run):
            _ask(erase(is_tried=True), operator)
        done = erase(is_tried=dry_run)
    if as_json:
        counts = {name: done.counts[name] for name in _TOLD}
        told = {"scope": operator, "is_new": done.is_new, "dry_run": dry_run, **counts}
        print_json({**told, "other_scopes": done.elsewhere})
        return
    _tell(done)
    if dry_run:
        messages.print("nothing was changed")
    else:
        messages.print(f"a user of {operator} is forgotten" + ("" if done.is_new else " as before"))


def _require_person() -> None:
    """Pass only if somebody can be asked.

    Raises:
        PipelineError: nobody can.
    """
    if not sys.stdin.isatty():
        raise PipelineError(
            "to forget a user cannot be undone, and nobody is there to confirm it",
            mend="see what would go with --dry-run, then repeat this with --yes",
        )


def _require_operator(engine: "sa.Engine", scope: str | None) -> None:
    """Pass only if the operator that is named is known: else a slip would forget nobody.

    Raises:
        PipelineError: nothing is stored of such an operator.
    """
    from ev_pipeline.storage.user_names import operators  # noqa: PLC0415 -- --help stays fast

    if scope is None:
        return
    with engine.connect() as connection:
        known = operators(connection)
    if scope not in known:
        raise PipelineError(
            f"there is no operator {scope[:80]!r}",
            mend=f"name one of: {', '.join(known)}" if known else "load something of it first",
        )


def _ask(found: "Forgotten", operator: str) -> None:
    """Go on only if a person says so."""
    _tell(found)
    typer.confirm(f"Forget this user of {operator} for good?", abort=True, err=True)


def _tell(found: "Forgotten") -> None:
    rows = [(found.counts[name], text) for name, text in _TOLD.items() if found.counts[name]]
    if not rows:
        messages.print("nothing is stored of this user")
        if found.elsewhere:
            others = ", ".join(found.elsewhere)
            messages.print(f"a user of that name is known to {others}: see --scope")
        return
    print_table(("rows", "of what tells of the user"), rows)
