"""Options that every command that sends has, and what they come to.

What lives here: names, limits and help of options. What does not: what is done with them.
"""

from pathlib import Path
from random import Random
from typing import Annotated, Final

import typer

from simulator.sending.pace import Pace, at_interval, at_random

Accounts = Annotated[
    list[str] | None,
    typer.Option(
        "--account",
        metavar="NAME",
        help="Log in by $EV_HOME/credentials/NAME.env; several share the sessions. "
        "By default EV_MQTT_* of the environment, else the stack's account simulator.",
        show_default=False,
    ),
]
NClients = Annotated[
    int, typer.Option("--clients", min=1, max=1000, help="Connections, shared by the accounts.")
]
OutboxDirectory = Annotated[
    Path | None,
    typer.Option(
        "--outbox",
        metavar="DIR",
        help="Where messages are kept until they are accepted. By default $EV_HOME/outbox/ACCOUNT.",
        show_default=False,
    ),
]
IsAnew = Annotated[
    bool, typer.Option("--anew", help="Begin again, though an interrupted run could go on.")
]
Interval = Annotated[
    float | None,
    typer.Option(min=0.0001, metavar="S", help="Seconds between sessions; 1 by default."),
]
Rate = Annotated[
    float | None,
    typer.Option(min=0, metavar="N", help="Sessions a second; 0 is as many as are accepted."),
]
IsPoisson = Annotated[
    bool, typer.Option("--poisson", help="Random gaps around the interval, not even ones.")
]
Speed = Annotated[
    float | None,
    typer.Option(
        min=0.001, metavar="N", help="N times the sessions' own pace, each with its own times."
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, metavar="N", help="Stop after N sessions.")]
Seed = Annotated[
    int | None, typer.Option(help="Seed of everything random; another each time by default.")
]
Duplicate = Annotated[
    float, typer.Option(min=0, max=1, metavar="SHARE", help="How many are sent twice.")
]
Malformed = Annotated[
    float,
    typer.Option(min=0, max=1, metavar="SHARE", help="How many have a damaged copy beside them."),
]
Late = Annotated[
    float, typer.Option(min=0, max=1, metavar="SHARE", help="How many are sent long after the end.")
]
OutOfOrder = Annotated[
    float,
    typer.Option(
        min=0, max=1, metavar="SHARE", help="How many are overtaken by up to 20 later ones."
    ),
]
IdsFile = Annotated[
    Path | None,
    typer.Option("--ids", metavar="FILE", help="Write the accepted sessions' ids, one a line."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as one JSON document.")]

USUAL_INTERVAL_S: Final = 1.0
"""A session a second, s: slow enough to watch."""


def check_pace(
    interval_s: float | None, rate_per_s: float | None, clock: str | None, *, is_poisson: bool
) -> None:
    """At most one pace is asked for.

    Args:
        interval_s: of `--interval`.
        rate_per_s: of `--rate`.
        clock: the option by which the sessions' own clock sets the pace; null where none does.
        is_poisson: of `--poisson`.

    Raises:
        BadParameter: two of them contradict each other.
    """
    if interval_s is not None and rate_per_s is not None:
        raise contradiction("--interval", "--rate")
    if rate_per_s == 0 and is_poisson:
        raise contradiction("--rate 0", "--poisson")
    if clock is not None and (interval_s is not None or rate_per_s is not None or is_poisson):
        raise contradiction(clock, "--interval, --rate or --poisson")


def even_or_random(
    interval_s: float | None, rate_per_s: float | None, *, is_poisson: bool, rng: Random
) -> Pace | None:
    """The pace that the options ask for; null for as fast as messages are accepted."""
    if rate_per_s == 0:
        return None
    if rate_per_s is not None:
        interval_s = 1 / rate_per_s
    elif interval_s is None:
        interval_s = USUAL_INTERVAL_S
    return at_random(interval_s, rng) if is_poisson else at_interval(interval_s)


def contradiction(one: str, other: str) -> typer.BadParameter:
    """Two options that exclude each other."""
    return typer.BadParameter(f"{one} and {other} contradict each other; give one of them.")
