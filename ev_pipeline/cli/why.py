"""`why`: why a stored session has its labels.

What lives here: its argument and what is printed. What does not: the reasons
(`intake.prediction`).
"""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ev_pipeline.cli.database import database
from ev_pipeline.cli.labels import lines_of_labels, print_line, print_names
from ev_pipeline.cli.output import print_json, results


def register(app: typer.Typer) -> None:
    """Add the command to the root command."""
    app.command("why")(why)


def why(
    session: Annotated[
        str, typer.Argument(metavar="SESSION", help="Our id, or the id that its source gave it.")
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Say why a stored session has its labels: centres, features that decided, what is odd.

    Example: ev-pipeline why 9f1c2d4e-0c1b-5a53-8f2e-3b7d1f6a9c55
    """
    answer = _ask(session)
    if as_json:
        print_json(answer)
        return
    for told in answer["sessions"]:
        print_names(told, otherwise=session)
        for what, said in lines_of_labels(told):
            print_line(what, said)
    results.print("In brackets the distance to the cluster's centre.")
    results.print(f"Model {answer['model_version']}", soft_wrap=True)


def _ask(session: str) -> dict[str, Any]:
    from ev_pipeline.intake.prediction import explain_stored  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.settings import load_settings  # noqa: PLC0415 -- the same
    from ev_pipeline.stream.champion import Champion  # noqa: PLC0415 -- the same

    with database(load_settings()) as engine:
        champion = Champion(engine).for_transaction
        return explain_stored(engine, session, champion, datetime.now(UTC))
