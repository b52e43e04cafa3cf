"""When chargers report: evenly, at random, or as the source's clock says."""

from itertools import pairwise
from random import Random
from statistics import fmean

import pytest

from simulator.rows import Row
from simulator.sending.pace import at_interval, at_random, by_the_source


def ending(ended_s: float | None) -> Row:
    return Row({}, None, ended_s, None, is_readable=True)


def test_an_interval_is_kept_whatever_the_rows_are() -> None:
    due = at_interval(0.5)
    assert [due(ending(ended_s)) for ended_s in (9.0, None, 1.0)] == [0.0, 0.5, 1.0]


def test_random_gaps_have_the_mean_and_the_spread_of_a_poisson_process() -> None:
    due = at_random(0.1, Random(1))  # noqa: S311 -- no secret
    moments = [due(ending(None)) for _ in range(20_000)]
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert fmean(gaps) == pytest.approx(0.1, rel=0.03)
    spread_s = fmean((gap - 0.1) ** 2 for gap in gaps) ** 0.5
    assert spread_s == pytest.approx(0.1, rel=0.05)


def test_the_sources_clock_runs_at_its_speed_and_never_back() -> None:
    due = by_the_source(10.0)
    ends = (1000.0, 1050.0, 1020.0, None, 1100.0)
    assert [due(ending(ended_s)) for ended_s in ends] == [0.0, 5.0, 5.0, 5.0, 10.0]


def test_a_clock_that_shows_the_time_makes_up_for_what_has_ended_already() -> None:
    due = by_the_source(1.0, starts_s=1000.0)
    assert [due(ending(ended_s)) for ended_s in (900.0, 1003.0)] == [0.0, 3.0]
