"""`fleet`: generated users at generated stations, whose true behaviour is known.

What lives here: the command, and the fleet's sessions as rows. What does not: how people charge
(`behaviours` to `sessions`), sending (`sending`).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import typer

from ev_pipeline.domain.errors import PipelineError
from simulator.files import SESSION_COLUMNS, TIMES, times_of, write_stations, write_truth
from simulator.generate import SESSIONS_PER_USER, SPARE
from simulator.options import Sending, contradiction, with_sending
from simulator.rows import Row, rows_from
from simulator.seasons import FIRST_DAY, YEAR_DAYS, ZONE, daily_temperatures_c
from simulator.sending.outbox import Run
from simulator.sending.pace import Pace, by_the_source
from simulator.sending.reports import Form, Reporter
from simulator.sending.simulation import Plan
from simulator.sending.start import Prepared, send
from simulator.sessions import make_sessions
from simulator.stations import make_stations
from simulator.users import make_users
from simulator.visits import DAY_S, Visits, plan_visits

WHOLE_WEEKS_DAYS: Final = 364
"""The generator's year is moved by so many days: weekdays stay, and seasons nearly."""

LEAD_DAYS: Final = 1
"""Who ends a session early on the first day came on the day before."""

PREFIX: Final = "F-"
"""Begins the fleet's stations, users and sessions, so that they are nobody else's."""

MOST_USERS: Final = 20_000
"""More do not fit into memory with their year, by user and day."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a fleet is, and when it charges.

    Args:
        users: users.
        stations: stations.
        first_day: the first day, by the stations' clock.
        days: how many days.
    """

    users: int
    stations: int
    first_day: date
    days: int


@dataclass(frozen=True, slots=True)
class FleetSessions:
    """A fleet's sessions in the order in which they end, with behaviours, and its stations."""

    sessions: pl.DataFrame
    registry: pl.DataFrame

    def frame(self) -> pl.DataFrame:
        """The sessions as rows to report."""
        written = [times_of(column).alias(name) for name, column in TIMES.items()]
        return self.sessions.with_columns(written).select(
            *SESSION_COLUMNS,
            started_s=pl.col("start_s").cast(pl.Float64),
            ended_s=pl.col("end_s").cast(pl.Float64),
            original=pl.lit(None, pl.Binary),
            is_readable=pl.lit(value=True),
        )


def fleet_sessions(size: Size, run: Run) -> FleetSessions:
    """The sessions of a fleet that end on its days: the same from the same run."""
    draws = [np.random.default_rng(child) for child in np.random.SeedSequence(run.seed).spawn(5)]
    moves, day_of_year = divmod((size.first_day - FIRST_DAY).days - LEAD_DAYS, WHOLE_WEEKS_DAYS)
    days = day_of_year + LEAD_DAYS + size.days
    stations = make_stations(size.stations, draws[0])
    users = make_users(size.users, stations, draws[1])
    per_day = SPARE * size.users * SESSIONS_PER_USER / YEAR_DAYS
    planned = plan_visits(users, stations, days=days, per_day=per_day, rng=draws[2])
    visits = _moved(planned, day_of_year, moves * WHOLE_WEEKS_DAYS)
    made = make_sessions(visits, users, stations, daily_temperatures_c(days, draws[3]), draws[4])
    first, last = (
        _midnight(size.first_day + timedelta(days=days)).timestamp() for days in (0, size.days)
    )
    named = pl.concat_str(pl.lit(f"{PREFIX}{run.name}-"), pl.int_range(1, pl.len() + 1))
    sessions = (
        made.filter(pl.col("end_s").is_between(first, last))
        .sort("end_s", maintain_order=True)
        .with_columns(
            (pl.lit(PREFIX) + pl.col("station_id", "user_id")).name.keep(),
            session_id=named,
            updated_s=pl.col("end_s"),
            fault=pl.lit(None, pl.String),
        )
    )
    registry = stations.registry.with_columns(station_id=pl.lit(PREFIX) + pl.col("station_id"))
    return FleetSessions(sessions, registry)


@with_sending
def fleet(  # noqa: PLR0913 -- a command's options
    *,
    users: Annotated[int, typer.Option(min=5, max=MOST_USERS, help="Users.")] = 200,
    stations: Annotated[int, typer.Option(min=4, help="Stations.")] = 60,
    days: Annotated[int, typer.Option(min=1, max=YEAR_DAYS, help="Days.")] = 7,
    first_day: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="The first day; by default so that yesterday is the last (--live: today).",
            show_default=False,
        ),
    ] = None,
    is_live: Annotated[
        bool, typer.Option("--live", help="Send each session when it really ends.")
    ] = False,
    truth: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write each session's true behaviour, as CSV."),
    ] = None,
    registry: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the stations, for `load canonical_stations`."),
    ] = None,
    sending: Sending,
) -> None:
    """Send the sessions of a generated fleet as they end, and write down how it really behaves.

    Example: python -m simulator fleet --users 200 --days 7 --rate 5 --truth truth.csv
    """
    speed = sending.speed
    if speed is not None and is_live:
        raise contradiction("--speed", "--live")
    sending.check_pace("--live" if is_live else None if speed is None else "--speed")
    today = datetime.now(ZoneInfo(ZONE)).date()
    usual = today if is_live else today - timedelta(days=days)
    size = Size(users, stations, first_day.date() if first_day else usual, days)

    def prepare(run: Run, accounts: Sequence[str]) -> Prepared:
        made = fleet_sessions(size, run)
        _write(made, truth, registry)
        frame = made.frame()

        def from_row(first: int) -> Iterator[Row]:
            return rows_from([frame], first)

        pace: Pace | None
        if is_live:
            pace = by_the_source(1.0, datetime.now(UTC).timestamp())
        elif speed is not None:
            start = None if run.n_made else _midnight(size.first_day).timestamp()
            pace = by_the_source(speed, start)
        else:
            pace = sending.even_or_random(Random(run.seed))  # noqa: S311 -- no secret
        reporter = Reporter(run.name, run.seed, accounts, Form.OWN_TIMES, sending.shares)
        most = min(sending.limit or frame.height, frame.height)
        return Prepared(Plan(from_row, reporter, pace, sending.limit), most)

    job = json.dumps(["fleet", users, stations, days, size.first_day.isoformat(), sending.seed])
    send(sending.start(job), prepare)


def _moved(visits: Visits, from_day: int, by_days: int) -> Visits:
    """The visits from that day on, so many days later."""
    kept = visits.day >= from_day
    chosen = {name: getattr(visits, name)[kept] for name in Visits.__slots__}
    return replace(Visits(**chosen), start_s=chosen["start_s"] + by_days * DAY_S)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(ZONE))


def _write(made: FleetSessions, truth: Path | None, registry: Path | None) -> None:
    try:
        if truth is not None:
            write_truth(made.sessions, truth)
        if registry is not None:
            write_stations(made.registry, registry)
    except OSError as error:
        raise PipelineError(
            f"it cannot be written ({error.strerror or error})",
            mend="name a file that you may write",
            where=str(error.filename or truth),
        ) from error
