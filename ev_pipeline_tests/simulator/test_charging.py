"""The formulas of charging: inverse of each other, and bounded by power and battery."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulator.charging import power_at_kw, seconds_to_reach, soc_after

SOC = st.floats(0.0, 0.98)
SHARE = st.floats(0.01, 1.0)


@given(start=SOC, share=SHARE, taper=st.floats(0.3, 0.95), power_kw=st.floats(2.0, 350.0))
def test_charging_for_the_time_that_a_goal_takes_reaches_the_goal(
    start: float, share: float, taper: float, power_kw: float
) -> None:
    goal = start + share * (0.995 - start)
    battery = {
        "grid_kwh": np.array([60.0]),
        "power_kw": np.array([power_kw]),
        "taper_from": np.array([taper]),
    }
    seconds = seconds_to_reach(np.array([start]), np.array([goal]), **battery)
    reached = soc_after(np.array([start]), seconds, **battery)
    np.testing.assert_allclose(reached, goal, atol=1e-9)


@given(soc=st.floats(0.0, 1.0), taper=st.floats(0.3, 0.95))
def test_power_never_exceeds_what_is_offered_and_never_rises(soc: float, taper: float) -> None:
    offered, taper_from = np.array([11.0]), np.array([taper])
    power = power_at_kw(np.array([soc]), offered, taper_from)
    later = power_at_kw(np.array([min(1.0, soc + 0.05)]), offered, taper_from)
    assert later <= power <= offered


def test_a_battery_never_holds_more_than_itself() -> None:
    full = soc_after(
        np.array([0.5]),
        np.array([1e7]),
        grid_kwh=np.array([50.0]),
        power_kw=np.array([150.0]),
        taper_from=np.array([0.7]),
    )
    assert full == 1.0
