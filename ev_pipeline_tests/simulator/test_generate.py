"""The generator's sizes, seeds and clock."""

import numpy as np
import polars as pl

from simulator.connectors import TAKEN, seat
from simulator.generate import Size, make_sample
from simulator.seasons import to_utc_s

SMALL = Size(sessions=600, online_sessions=20, users=10, stations=8)


def test_another_seed_makes_another_sample_of_the_same_size() -> None:
    one, other = make_sample(SMALL, 1), make_sample(SMALL, 2)
    for sample in (one, other):
        assert sample.sessions["session_id"].n_unique() == 600
        assert sample.online_sessions.height == 20
    assert not one.sessions.equals(other.sessions)


def test_a_larger_sample_keeps_the_shares_of_behaviours() -> None:
    size = Size(sessions=20_000, online_sessions=0, users=200, stations=100)
    shares = make_sample(size, 3).sessions["behaviour"].value_counts(normalize=True)
    assert shares.height == 5
    assert shares["proportion"].min() > 0.1  # type: ignore[operator]  # a float column's minimum
    assert shares["proportion"].max() < 0.4  # type: ignore[operator]


def test_a_time_that_exists_twice_is_the_earlier_and_one_that_does_not_moves_on() -> None:
    day_s = 86_400
    spring, autumn = 88 * day_s, 298 * day_s
    seconds = np.array([spring + 1 * 3600 + 1800, autumn + 1 * 3600 + 1800])
    written = pl.from_epoch(pl.Series(to_utc_s(seconds)), "s").dt.to_string("%Y-%m-%d %H:%M")
    assert written.to_list() == ["2025-03-30 01:30", "2025-10-26 00:30"]


def test_a_visit_that_finds_every_connector_taken_does_not_happen() -> None:
    seats = seat(
        user=np.array([0, 1, 2, 0]),
        station=np.array([0, 0, 0, 0]),
        start_s=np.array([0, 10, 20, 5_000]),
        stay_s=np.array([3_600, 3_600, 60, 60]),
        connectors=np.array([2]),
    )
    assert seats.tolist() == [1, 2, TAKEN, 1]
