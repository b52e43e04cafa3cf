"""Each limit: what lies beyond it is refused or flagged for that alone, what lies at it is not."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ev_pipeline.domain.codes import CODES
from ev_pipeline_tests.domain.canonical import (
    FAULTLESS,
    RECEIVED_AT,
    codes,
)

START: datetime = FAULTLESS["started_at"]
JUST_OVER = 1 + 1e-9
MICROSECOND = timedelta(microseconds=1)


def lasting(**duration: float) -> dict[str, Any]:
    return {"ended_at": START + timedelta(**duration)}


def test_a_faultless_session_has_no_codes() -> None:
    assert codes({}) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"station_id": None}, "missing_field"),
        ({"station_id": "  "}, "missing_field"),
        ({"started_at": None}, "missing_field"),
        ({"ended_at": None}, "missing_field"),
        ({"energy_kwh": None}, "missing_field"),
        ({"ended_at": None, "energy_kwh": None}, "not_finished"),
        ({"energy_kwh": math.nan}, "bad_value"),
        ({"cost": math.inf}, "bad_value"),
        ({"charging_duration_h": -0.1}, "bad_value"),
        ({"station_id": "é" * 251}, "bad_value"),
        ({"connector_id": "1" * 501}, "bad_value"),
        ({"user_id": "u" * 501}, "bad_value"),
        ({"currency": "eur"}, "bad_value"),
        ({"currency": "EUR\n"}, "bad_value"),
        ({"ended_at": START}, "no_duration"),
        ({"ended_at": START - MICROSECOND}, "no_duration"),
        ({"energy_kwh": 0.0}, "no_energy"),
        ({"energy_kwh": -3.0}, "no_energy"),
        (
            {
                "started_at": RECEIVED_AT,
                "ended_at": RECEIVED_AT + timedelta(minutes=5) + MICROSECOND,
            },
            "in_future",
        ),
        (
            {
                "started_at": datetime(2010, 1, 1, tzinfo=UTC) - MICROSECOND,
                "ended_at": datetime(2010, 1, 1, 3, tzinfo=UTC),
            },
            "before_2010",
        ),
        ({"energy_kwh": 1000.0 * JUST_OVER}, "energy_over_1000_kwh"),
        ({"energy_kwh": 500.0 * JUST_OVER, **lasting(minutes=30)}, "impossible_power"),
        ({"energy_kwh": 250.0, "charging_duration_h": 0.2499}, "impossible_power"),
    ],
)
def test_a_session_beyond_a_limit_is_refused_for_that_alone(
    change: dict[str, Any], code: str
) -> None:
    assert codes(change) == [code]


@pytest.mark.parametrize(
    "change",
    [
        {"charging_duration_h": 0.0},
        {"energy_kwh": 0.6, **lasting(seconds=60)},
        lasting(hours=48),
        {"energy_kwh": 0.5},
        {"energy_kwh": 250.0},
        {
            "started_at": RECEIVED_AT,
            "ended_at": RECEIVED_AT + timedelta(minutes=5),
            "energy_kwh": 10,
        },
        {
            "started_at": datetime(2010, 1, 1, tzinfo=UTC),
            "ended_at": datetime(2010, 1, 1, 3, tzinfo=UTC),
        },
        {"charging_duration_h": 24.0, **lasting(hours=24)},
        {"energy_kwh": 1.1 * 22 * 2, "station_id": "CP-22"},
        {"energy_kwh": 200.0, **lasting(minutes=30)},
        {"soc_start_percent": 40, "soc_end_percent": 40},
        {"battery_capacity_kwh": 12.5},
        {"max_power_kw": 400.0},
    ],
)
def test_a_session_at_a_limit_is_faultless(change: dict[str, Any]) -> None:
    assert codes(change) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"energy_kwh": 0.6, **lasting(seconds=59.999999)}, "under_1_minute"),
        (lasting(hours=48, microseconds=1), "over_48_hours"),
        ({"charging_duration_h": 24.001, **lasting(hours=25)}, "charging_over_24_hours"),
        ({"energy_kwh": 0.4999}, "under_0_5_kwh"),
        ({"energy_kwh": 250.0 * JUST_OVER}, "over_250_kwh"),
        ({"charging_duration_h": 2.0001}, "charging_longer_than_session"),
        ({"energy_kwh": 1.1 * 22 * 2 * JUST_OVER, "station_id": "CP-22"}, "power_over_rating"),
        ({"max_power_kw": 24.3, "station_id": "CP-22"}, "power_over_rating"),
        ({"energy_kwh": 200.0 * JUST_OVER, **lasting(minutes=30)}, "power_over_400_kw"),
        ({"max_power_kw": 400.0 * JUST_OVER}, "power_over_400_kw"),
        ({"soc_start_percent": 40, "soc_end_percent": 39.9}, "soc_decreases"),
        ({"battery_capacity_kwh": 12.4999}, "energy_over_battery"),
        ({"weekday": 3, "started_local_at": datetime(2026, 2, 3, 8)}, "weekday_mismatch"),  # noqa: DTZ001 - a station's own clock has no zone
        ({"station_id": "CP-seen"}, "station_unregistered"),
        ({"station_id": "CP-nobody-knows"}, "station_unregistered"),
        ({"notes": ["time_ambiguous"]}, "time_ambiguous"),
    ],
)
def test_a_session_beyond_a_limit_is_flagged_with_that_alone(
    change: dict[str, Any], code: str
) -> None:
    assert codes(change) == [code]


def test_every_code_that_follows_from_a_record_is_tried_above() -> None:
    elsewhere = {"malformed", "unknown_station", "conflicts_with_stored"}
    elsewhere |= {"overlaps_same_connector", "clock_suspect"}
    elsewhere |= {"end_derived", "time_assigned", "unknown_keys"}
    tried: set[str] = set()
    for test in (
        test_a_session_beyond_a_limit_is_refused_for_that_alone,
        test_a_session_beyond_a_limit_is_flagged_with_that_alone,
    ):
        tried |= {case[1] for case in test.pytestmark[0].args[1]}
    assert tried | elsewhere == {code.name for code in CODES}


def test_a_matching_weekday_on_the_stations_clock_is_no_mismatch() -> None:
    late_evening = datetime(2026, 2, 2, 23)  # noqa: DTZ001 - a station's own clock has no zone
    assert codes({"weekday": 1, "started_local_at": late_evening}) == []


def test_every_limit_is_a_setting() -> None:
    assert codes({"energy_kwh": 30.0}, max_energy_kwh=29.0) == ["energy_over_1000_kwh"]
    assert codes({}, earliest_year=2027) == ["before_2010"]
    assert codes({}, max_mean_power_kw=6.0) == ["impossible_power"]
    assert codes({}, long_session_h=1.9, high_energy_kwh=12.0, low_energy_kwh=13.0) == [
        "over_48_hours",
        "under_0_5_kwh",
        "over_250_kwh",
    ]
