"""The words of reasons: each number said as a person would say it."""

from typing import Any

import pytest

from ev_pipeline.domain.models.reasons import (
    Background,
    HourFact,
    residual_reason,
    together_reason,
)

_SESSION = {"energy_kwh": 7.0, "mean_power_kw": 3.5, "duration_h": 2.0, "start_hour": 8.0}


def _reason(
    code: str, *, limit: float = 1.0, form: str = "start", **changes: Any
) -> dict[str, Any]:
    """The reason that one residual of an ordinary session gives with some of its values changed."""
    hour = HourFact(form, share=0.01, busiest=17.0) if "hour" in code else None
    background = Background(limit=limit, hour=hour, is_station_known=True)
    return residual_reason(0, _SESSION | changes, code, background)


def _say(code: str, **given: Any) -> str:
    return str(_reason(code, **given)["message"])


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
    sentence = _say("long_at_station", duration_h=duration_h, limit=duration_h)
    assert sentence == (
        f"stayed {said}; about 95 % of the sessions at this station stay under {said}"
    )


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
    sentence = _say("much_energy", energy_kwh=energy_kwh)
    assert sentence == f"{said}; about 95 % of the sessions at this station get less than 1.0 kWh"


def test_a_power_that_is_unusual_is_held_against_a_level_and_claims_no_count() -> None:
    sentence = _say("power_over_station", mean_power_kw=42.0, limit=11.2)
    assert sentence == "mean power 42.0 kW, where up to about 11.2 kW is usual at this station"


def test_a_long_stay_is_held_against_those_of_the_same_energy() -> None:
    reason = _reason("long_for_energy", duration_h=31.2, limit=9.4)
    assert reason["message"] == (
        "stayed 31.2 h; about 95 % of sessions with 7.0 kWh at this station stay under 9.4 h"
    )
    assert (reason["value"], reason["expected"]) == (31.2, 9.4)


def test_little_energy_is_held_against_stays_of_the_same_length() -> None:
    assert _say("little_energy", energy_kwh=0.02, limit=2.1) == (
        "0.02 kWh in 2.0 h; about 95 % of sessions so long at this station get more than 2.1 kWh"
    )


@pytest.mark.parametrize(
    ("form", "said", "value"),
    [
        ("start", "starts at 23:30, in an hour with 1.0 % of the sessions at this station", 23.5),
        (
            "start_of_kind",
            "starts at 23:30, in an hour with 1.0 % of the sessions of its length and power",
            23.5,
        ),
        (
            "end",
            "ends at 01:30, in an hour in which 1.0 % of the sessions at this station end",
            1.5,
        ),
        ("start_of_user", "starts at 23:30, in an hour with 1.0 % of this user's sessions", 23.5),
    ],
)
def test_an_hour_is_said_with_what_is_rare_about_it(form: str, said: str, value: float) -> None:
    reason = _reason("unusual_hour", form=form, start_hour=23.5)
    assert (reason["message"], reason["value"], reason["expected"]) == (said, value, 17.0)


def test_what_is_rare_only_together_is_said_as_it_is() -> None:
    assert together_reason(0, _SESSION)["message"] == (
        "7.0 kWh in 2.0 h from 08:00: usual one by one, rare together"
    )
