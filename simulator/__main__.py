"""The command `python -m simulator`: which commands there are, and their options.

What lives here: the command line. What does not: what the commands do.
"""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="simulator",
    help="Generated charging sessions, as operators export them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root() -> None:
    """Generated charging sessions, as operators export them."""


@app.command()
def generate(
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("data"),
    seed: Annotated[int | None, typer.Option(help="Seed; the sample's by default.")] = None,
    sessions: Annotated[int, typer.Option(min=100, help="Sessions in the year.")] = 8_000,
    online_sessions: Annotated[
        int, typer.Option(min=0, help="Sessions after the year, for replay.")
    ] = 500,
    users: Annotated[int | None, typer.Option(min=5, help="Users; 1 a 100 sessions.")] = None,
    stations: Annotated[int | None, typer.Option(min=4, help="Stations; 1 a 200 sessions.")] = None,
) -> None:
    """Write a sample: sessions of a year, sessions for replay, stations, true behaviours.

    Example: python -m simulator generate --out /tmp/sample --sessions 1000000
    """
    from simulator.generate import (  # noqa: PLC0415 - so that --help needs no numpy
        SEED,
        SESSIONS_PER_STATION,
        SESSIONS_PER_USER,
        Size,
        make_sample,
        write_sample,
    )

    size = Size(
        sessions=sessions,
        online_sessions=online_sessions,
        users=users or max(5, sessions // SESSIONS_PER_USER),
        stations=stations or max(4, sessions // SESSIONS_PER_STATION),
    )
    sample = make_sample(size, SEED if seed is None else seed)
    write_sample(sample, out)
    rows = sample.sessions.height
    typer.echo(f"{out}: {rows} rows of {sessions} sessions, {online_sessions} for replay", err=True)


if __name__ == "__main__":
    app()
