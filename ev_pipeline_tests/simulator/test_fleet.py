"""A generated fleet: its sessions come as they end, and its truth is written down."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.simulator.simulators import Simulator, hearing
from simulator.behaviours import BEHAVIOURS
from simulator.fleet import Size, fleet_sessions
from simulator.seasons import ZONE
from simulator.sending.outbox import Run


def test_a_fleets_sessions_come_in_the_order_of_their_end_and_their_behaviour_is_known(
    broker: RunningBroker, home: Path
) -> None:
    simulator = Simulator(broker.add_charger(), home)
    with hearing(broker, simulator.login.username) as heard:
        told = simulator.run(
            *("fleet", "--users", "60", "--stations", "30", "--days", "3", "--rate", "0"),
            *("--truth", str(home / "truth.csv"), "--registry", str(home / "stations.csv")),
        )
        heard.wait_for(told["accepted"])
    sessions = heard.documents()
    truth = pl.read_csv(home / "truth.csv")
    assert set(truth["session_id"]) == set(heard.ids())
    assert set(truth["behaviour"]) <= {behaviour.name for behaviour in BEHAVIOURS}
    ends = [datetime.fromisoformat(session["ended_at"]) for session in sessions]
    assert ends == sorted(ends)
    assert ends[-1] <= datetime.now(UTC)
    stations = set(pl.read_csv(home / "stations.csv")["station_id"])
    assert {session["station_id"] for session in sessions} <= stations


@pytest.mark.parametrize("first_day", [date(2024, 7, 6), date(2025, 3, 1), date(2026, 10, 24)])
def test_a_fleet_charges_on_the_days_that_are_asked_for_by_the_stations_clock(
    first_day: date,
) -> None:
    size = Size(users=150, stations=40, first_day=first_day, days=9)
    sessions = fleet_sessions(size, Run("a", 3)).sessions
    ended, local = (
        pl.from_epoch(column, "s").dt.replace_time_zone("UTC").dt.convert_time_zone(ZONE)
        for column in ("end_s", "start_s")
    )
    days = sessions.select(ended.dt.date()).to_series()
    assert set(days) == {first_day + timedelta(days=number) for number in range(9)}
    came = sessions.select(local.dt.date()).to_series()
    assert came.min() == first_day - timedelta(days=1)
    at_work = sessions.filter(pl.col("behaviour") == "workplace_day")
    weekdays = at_work.select(local.dt.weekday()).to_series()
    assert weekdays.is_in([6, 7]).mean() < 0.05  # type: ignore[operator]  # a column of booleans
    hours = at_work.select(local.dt.hour()).to_series()
    assert 8 <= hours.median() <= 9  # type: ignore[operator]


def test_the_same_seed_makes_the_same_fleet() -> None:
    size = Size(users=50, stations=20, first_day=date(2026, 5, 1), days=4)
    one, same, other = (fleet_sessions(size, Run("a", seed)).sessions for seed in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)
