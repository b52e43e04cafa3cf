"""Options that every command that sends has, and what they come to.

What lives here: names, limits and help of options, once. What does not: what is done with them.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from random import Random
from typing import Annotated, Any, Final

import typer

from simulator.sending.line import HOLD_S
from simulator.sending.mishaps import Shares
from simulator.sending.pace import Pace, at_interval, at_random
from simulator.sending.start import Start

USUAL_INTERVAL_S: Final = 1.0
"""A session a second, s: slow enough to watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What a person says about sending, whatever is sent; a field is an option."""

    interval: Annotated[
        float | None,
        typer.Option(min=0.0001, metavar="S", help="Seconds between sessions; 1 by default."),
    ] = None
    rate: Annotated[
        float | None,
        typer.Option(min=0, metavar="N", help="Sessions a second; 0 is as many as are accepted."),
    ] = None
    is_poisson: Annotated[
        bool, typer.Option("--poisson", help="Random gaps around the interval, not even ones.")
    ] = False
    speed: Annotated[
        float | None,
        typer.Option(
            min=0.001, metavar="N", help="N times the sessions' own pace, each with its own times."
        ),
    ] = None
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Stop after N sessions.")
    ] = None
    duplicate: Annotated[
        float, typer.Option(min=0, max=1, metavar="SHARE", help="How many are sent twice.")
    ] = 0.0
    malformed: Annotated[
        float,
        typer.Option(
            min=0, max=1, metavar="SHARE", help="How many have a damaged copy beside them."
        ),
    ] = 0.0
    late: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="SHARE", help="How many are sent long after the end."),
    ] = 0.0
    out_of_order: Annotated[
        float,
        typer.Option(
            min=0, max=1, metavar="SHARE", help="How many are overtaken by up to 20 later ones."
        ),
    ] = 0.0
    seed: Annotated[
        int | None, typer.Option(help="Seed of everything random; another each time by default.")
    ] = None
    account: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Log in by $EV_HOME/credentials/NAME.env; several share the sessions. "
            "By default EV_MQTT_* of the environment, else the stack's account simulator.",
            show_default=False,
        ),
    ] = None
    clients: Annotated[
        int, typer.Option(min=1, max=1000, help="Connections, shared by the accounts.")
    ] = 1
    outbox: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where messages are kept until they are safe. By default $EV_HOME/outbox/ACCOUNT.",
            show_default=False,
        ),
    ] = None
    hold: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="S",
            help="Keep what is accepted for so many more seconds, and send it again after a lost "
            "connection: a broker that is killed forgets its last two.",
        ),
    ] = HOLD_S
    is_anew: Annotated[
        bool, typer.Option("--anew", help="Begin again, though an interrupted run could go on.")
    ] = False
    ids: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the accepted sessions' ids, one a line."),
    ] = None
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as one JSON document.")
    ] = False

    @property
    def shares(self) -> Shares:
        """How often which mishap happens."""
        return Shares(self.duplicate, self.malformed, self.late, self.out_of_order)

    def check_pace(self, clock: str | None) -> None:
        """At most one pace is asked for.

        Args:
            clock: the option by which the sessions' own clock sets it; null where none does.

        Raises:
            BadParameter: two of them contradict each other.
        """
        if self.interval is not None and self.rate is not None:
            raise contradiction("--interval", "--rate")
        if self.rate == 0 and self.is_poisson:
            raise contradiction("--rate 0", "--poisson")
        has_own = self.interval is not None or self.rate is not None or self.is_poisson
        if clock is not None and has_own:
            raise contradiction(clock, "--interval, --rate or --poisson")

    def even_or_random(self, rng: Random) -> Pace | None:
        """The pace that is asked for; null for as fast as messages are accepted."""
        if self.rate == 0:
            return None
        interval_s = USUAL_INTERVAL_S if self.interval is None else self.interval
        if self.rate is not None:
            interval_s = 1 / self.rate
        return at_random(interval_s, rng) if self.is_poisson else at_interval(interval_s)

    def start(self, job: str) -> Start:
        """One start of the job."""
        return Start(
            job=job,
            accounts=self.account or [],
            n_clients=self.clients,
            outbox=self.outbox,
            hold_s=self.hold,
            is_anew=self.is_anew,
            seed=self.seed,
            ids=self.ids,
            as_json=self.as_json,
        )


def with_sending(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of `Sending` beside its own, which it gets as `sending`.

    Typer makes options of a function's parameters one by one, and knows no group of them.
    """
    own = inspect.signature(command)
    shared = inspect.signature(Sending).parameters

    @wraps(command)
    def run(**given: Any) -> None:
        sending = Sending(**{name: given.pop(name) for name in shared})
        command(**given, sending=sending)

    others = [each for each in own.parameters.values() if each.name != "sending"]
    run.__signature__ = own.replace(parameters=[*others, *shared.values()])  # type: ignore[attr-defined]  # what `inspect` and typer look for
    return run


def contradiction(one: str, other: str) -> typer.BadParameter:
    """Two options that exclude each other."""
    return typer.BadParameter(f"{one} and {other} contradict each other; give one of them.")
