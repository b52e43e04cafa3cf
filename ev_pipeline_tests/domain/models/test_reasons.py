"""The words of reasons: each number said as a person would say it."""

from typing import Any

import pytest

from ev_pipeline.domain.models.reasons import Background, residual_reason


def _say(code: str, *, expected: float = 1.0, **changes: Any) -> str:
    """The sentence of one residual of an ordinary session with some of its values changed."""
    session = {"energy_kwh": 7.0, "mean_power_kw": 3.5, "duration_h": 2.0, "start_hour": 8.0}
    background = Background(expected=expected, hour_share=0.01, is_station_known=True)
    return str(residual_reason(0, session | changes, code, background)["message"])


def test_every_minute_of_the_day_is_said_as_it_was() -> None:
    for minute in range(24 * 60):
        clock = f"{minute // 60:02d}:{minute % 60:02d}"
        for hour in (minute / 60, minute // 60 + minute % 60 / 60):
            assert _say("unusual_hour", start_hour=hour).startswith(f"starts at {clock}, ")


@pytest.mark.parametrize(
    ("hour", "clock"),
    [(12 + 49 / 60 + 59.999999 / 3600, "12:49"), (23.9999999, "23:59"), (24 - 4e-15, "23:59")],
)
def test_a_minute_is_said_only_once_it_has_begun(hour: float, clock: str) -> None:
    assert _say("unusual_hour", start_hour=hour).startswith(f"starts at {clock}, ")


@pytest.mark.parametrize(
    ("duration_h", "said"),
    [
        (0.001, "less than a minute"),
        (1 / 60, "1 min"),
        (0.98, "59 min"),
        (0.9999, "1.0 h"),
        (1.0, "1.0 h"),
        (30.0, "30.0 h"),
    ],
)
def test_an_hour_is_never_said_as_sixty_minutes(duration_h: float, said: str) -> None:
    sentence = _say("duration_unlike_station", duration_h=duration_h, expected=duration_h)
    assert sentence == f"plugged in for {said}, where {said} is usual at this station"


@pytest.mark.parametrize(
    ("energy_kwh", "said"),
    [
        (5e-324, "less than 0.01 kWh"),
        (0.001, "less than 0.01 kWh"),
        (0.01, "0.01 kWh"),
        (0.5, "0.50 kWh"),
        (7.04, "7.0 kWh"),
    ],
)
def test_little_energy_is_never_said_as_none(energy_kwh: float, said: str) -> None:
    sentence = _say("energy_unlike_station", energy_kwh=energy_kwh)
    assert sentence == f"{said}, where 1.0 kWh is usual at this station"


def test_a_power_that_is_unusual_is_held_against_a_level_and_claims_no_count() -> None:
    sentence = _say("power_over_station", mean_power_kw=42.0, expected=11.2)
    assert sentence == "mean power 42.0 kW, where up to about 11.2 kW is usual at this station"
