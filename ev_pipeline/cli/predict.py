"""`predict`: what sessions would be labelled, for people and programs.

What lives here: options, and the answer as a person reads it. What does not: the labels
(`intake.prediction`), and the words for them (`labels`).
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ev_pipeline.cli.database import database
from ev_pipeline.cli.labels import lines_of_labels, print_line, print_names
from ev_pipeline.cli.output import print_json, results
from ev_pipeline.domain.errors import PipelineError

STANDARD_INPUT: Final = "-"

NOBODY: Final = "nobody"
"""Who sends what no account is named for; it has no binding."""


def register(app: typer.Typer) -> None:
    """Add the command to the root command."""
    app.command("predict")(predict)


def predict(
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="Sessions as JSON; - is standard input.")
    ],
    *,
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="NAME", help="Read them as this account's messages."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Label sessions without storing them: cluster, distance to its centre, and what is odd.

    FILE holds what a charger's message may: a session, a list of them, a CDR, a row as an object.
    A session that would be refused has its reasons instead, and leaves exit code 0.

    Example: ev-pipeline predict session.json
    """
    answer = _ask(_payload(file), account)
    if as_json:
        print_json(answer)
    else:
        _print_answer(answer)


def _payload(file: str) -> bytes:
    if file == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise PipelineError(
            f"cannot be read: {error.strerror}", where=file, mend="name a file with JSON, or -"
        ) from error


def _ask(payload: bytes, account: str | None) -> dict[str, Any]:
    from ev_pipeline.intake import prediction  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.messaging.accounts import AccountBook  # noqa: PLC0415
    from ev_pipeline.settings import load_settings  # noqa: PLC0415
    from ev_pipeline.sources.payloads.messages import UNBOUND, Message  # noqa: PLC0415
    from ev_pipeline.stream.bindings import Bindings  # noqa: PLC0415
    from ev_pipeline.stream.champion import Champion  # noqa: PLC0415

    settings = load_settings()
    if account is not None and account not in AccountBook(settings.home).accounts():
        raise PipelineError(
            f"there is no account {account}", mend="see `ev-pipeline accounts list`"
        )
    binding = UNBOUND if account is None else Bindings(settings.home).of(account)
    question = Message(payload, account or NOBODY, datetime.now(UTC), binding)
    with database(settings) as engine:
        champion = Champion(engine)
        return prediction.predict(engine, settings, question, champion.for_transaction)


def _print_answer(answer: dict[str, Any]) -> None:
    """One block a session, so that no id is broken over lines, however long it is."""
    for number, told in enumerate(answer["predictions"], start=1):
        print_names(told, otherwise=f"number {number}")
        for what, said in _lines(told):
            print_line(what, said)
    results.print("In brackets the distance to the cluster's centre; nothing was stored.")
    results.print(f"Model {answer['model_version']}", soft_wrap=True)


def _lines(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What there is to say of a session: its labels, or why it would be refused."""
    yield "would be", told["decision"]
    if "reasons" in told:
        yield from (("because", reason["message"]) for reason in told["reasons"])
        return
    yield from lines_of_labels(told)
