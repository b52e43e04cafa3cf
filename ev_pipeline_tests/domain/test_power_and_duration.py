"""Power, durations and the source's resolution: what is compared with what."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from ev_pipeline_tests.domain.canonical import (
    FAULTLESS,
    codes,
)

START: datetime = FAULTLESS["started_at"]


def lasting(**duration: float) -> dict[str, Any]:
    return {"ended_at": START + timedelta(**duration)}


def test_power_is_not_judged_where_energy_or_duration_failed() -> None:
    assert codes({"energy_kwh": 5000.0, **lasting(minutes=1)}) == ["energy_over_1000_kwh"]
    assert codes({"energy_kwh": 900.0, "ended_at": START}) == ["no_duration"]


def test_mean_power_is_over_the_charging_duration_where_that_is_known_and_positive() -> None:
    quick = {"energy_kwh": 12.5, "station_id": "CP-22"}
    assert codes(quick | {"charging_duration_h": 0.5}) == ["power_over_rating"]
    assert codes(quick | {"charging_duration_h": 0.0}) == []
    assert codes(quick | {"charging_duration_h": None}) == []


def test_mean_power_is_over_the_longest_duration_that_the_resolution_allows() -> None:
    one_minute = {"energy_kwh": 20.0, **lasting(minutes=1)}
    assert codes(one_minute) == ["impossible_power"]
    assert codes(one_minute, resolution_s=60) == ["power_over_400_kw"]
    assert codes(one_minute, resolution_s=120) == []


def test_the_resolution_is_grace_for_charging_longer_than_the_session() -> None:
    assert codes({"charging_duration_h": 2 + 60 / 3600}, resolution_s=60) == []
    assert codes({"charging_duration_h": 2 + 61 / 3600}, resolution_s=60) == [
        "charging_longer_than_session"
    ]


def test_the_resolution_is_no_grace_for_short_sessions() -> None:
    assert codes({"energy_kwh": 0.6, **lasting(seconds=30)}, resolution_s=60) == ["under_1_minute"]
    assert codes(lasting(seconds=0), resolution_s=60) == ["no_duration"]


@pytest.mark.parametrize("hours", [0.1, 0.7, 1.1, 1.47, 2.3, 5.55])
def test_charging_for_the_whole_session_is_not_longer_than_it(hours: float) -> None:
    assert codes({"charging_duration_h": hours, **lasting(hours=hours)}) == []


def test_a_charging_duration_that_rounds_to_nothing_is_unknown() -> None:
    assert codes({"charging_duration_h": 1e-10}) == codes({"charging_duration_h": None})
    assert codes({"charging_duration_h": 2e-10}) == ["impossible_power"]


def test_an_unregistered_stations_power_is_no_rating() -> None:
    assert codes({"station_id": "CP-seen", "max_power_kw": 50.0}) == ["station_unregistered"]
