"""`replay`: a file's sessions, sent as chargers would.

What lives here: the command. What does not: reading (`rows`), sending (`sending`).
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Annotated

import polars as pl
import typer

from ev_pipeline.sources.mapping import load_mapping
from simulator.options import Sending, contradiction, with_sending
from simulator.rows import Row, in_order_of_end, read_frames, rows_from
from simulator.sending.outbox import Run
from simulator.sending.pace import by_the_source
from simulator.sending.reports import Form, Reporter
from simulator.sending.simulation import Plan
from simulator.sending.start import Prepared, send

S_PER_DAY = 86_400


@with_sending
def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or JSON, perhaps packed.")],
    *,
    source: Annotated[
        str, typer.Option(metavar="NAME", help="The mapping that reads it, or a mapping's file.")
    ],
    is_keeping: Annotated[
        bool, typer.Option("--keep-times", help="Send the file's own times and ids.")
    ] = False,
    is_as_is: Annotated[
        bool, typer.Option("--as-is", help="Send the rows as they are, each with a message_id.")
    ] = False,
    spread_days: Annotated[
        float, typer.Option(min=0, metavar="D", help="New ends lie in the last D days; 0: now.")
    ] = 0.0,
    is_loop: Annotated[bool, typer.Option("--loop", help="Begin again at the end.")] = False,
    sending: Sending,
) -> None:
    """Send a file's sessions, each given a start and an end (it ends now) and an id of its own.

    Example: python -m simulator replay data/online_sessions.csv --source canonical --interval 1

    At 20 times the file's own pace, with mishaps: python -m simulator replay cpdata.csv
    --source dundee --speed 20 --duplicate 0.01 --late 0.02
    """
    speed = sending.speed
    form = _form(is_as_is=is_as_is, is_keeping=is_keeping, speed=speed, spread_days=spread_days)
    sending.check_pace(None if speed is None else "--speed")
    mapping = load_mapping(source)

    def frames() -> Iterator[pl.DataFrame]:
        now = datetime.now(UTC)
        return read_frames(file, mapping, received_at=now, is_as_is=is_as_is)

    ordered = [in_order_of_end(frames())] if speed is not None else None

    def from_row(first: int) -> Iterator[Row]:
        return rows_from(frames() if ordered is None else ordered, first)

    def prepare(run: Run, accounts: Sequence[str]) -> Prepared:
        spread_s = spread_days * S_PER_DAY
        reporter = Reporter(run.name, run.seed, accounts, form, sending.shares, spread_s)
        pace = (
            sending.even_or_random(Random(run.seed))  # noqa: S311 -- no secret
            if speed is None
            else by_the_source(speed)
        )
        total = ordered[0].height if ordered and not is_loop else None
        plan = Plan(from_row, reporter, pace, sending.limit, is_loop)
        return Prepared(plan, sending.limit or total)

    job = _job(file, mapping.text, form, sending.seed, is_ordered=speed is not None)
    send(sending.start(job), prepare)


def _form(*, is_as_is: bool, is_keeping: bool, speed: float | None, spread_days: float) -> Form:
    form = Form.NEW_TIMES
    if is_as_is:
        form = Form.AS_IS
    elif is_keeping or speed is not None:
        form = Form.OWN_TIMES
    if spread_days and form is not Form.NEW_TIMES:
        raise contradiction("--spread-days", "--as-is, --keep-times or --speed")
    return form


def _job(file: Path, mapping: str, form: Form, seed: int | None, *, is_ordered: bool) -> str:
    """What must be the same for an interrupted run to go on."""
    try:
        status = file.stat()
        which = [str(file.resolve()), status.st_size, status.st_mtime_ns]
    except OSError:
        which = [str(file)]  # told by whoever reads it
    return json.dumps(["replay", *which, mapping, form, seed, is_ordered])
