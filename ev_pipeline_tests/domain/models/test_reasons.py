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
