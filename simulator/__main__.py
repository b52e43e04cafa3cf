"""The command `python -m simulator`: which commands there are, and how errors reach a person.

What lives here: the command line's root. What does not: what the commands do.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from ev_pipeline.domain.errors import PipelineError
from simulator.fleet import fleet
from simulator.replay import replay

app = typer.Typer(
    name="simulator",
    help="Chargers that report sessions by MQTT, and generated sessions as operators export them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root() -> None:
    """Chargers that report sessions by MQTT, and generated sessions as operators export them.

    Example: python -m simulator replay data/online_sessions.csv --source canonical
    """


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


app.command("replay")(replay)
app.command("fleet")(fleet)


def main() -> None:
    """Run the command; an error for people is one line."""
    try:
        sys.exit(app(prog_name="python -m simulator", standalone_mode=False))
    except PipelineError as error:
        _tell(str(error))
        sys.exit(1)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "EV_" + "_".join(map(str, first["loc"])).upper()
        _tell(f"{place} cannot be {first['input']!r} ({first['msg']}); set it to another")
        sys.exit(1)
    except typer.TyperException as error:
        if said := " ".join(error.format_message().split()):
            _tell(f"{said} See `python -m simulator --help`")
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(1)


def _tell(error: str) -> None:
    Console(stderr=True, highlight=False).print(
        f"[red]error:[/red] {escape(error)}", soft_wrap=True
    )


if __name__ == "__main__":
    main()
