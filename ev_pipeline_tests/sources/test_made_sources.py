"""Sources whose files are not at hand, read by their shipped mappings as they are described."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline_tests.sources import made_files
from ev_pipeline_tests.sources.reading import RECEIVED_AT, codes, frame


def read(folder: Path, content: bytes, source: str) -> list[dict[str, Any]]:
    return frame(folder, content, load_mapping(source)).to_dicts()


def test_every_column_of_the_patterns_that_is_a_field_is_read(tmp_path: Path) -> None:
    (session,) = read(tmp_path, made_files.patterns_file({}), "ev_charging_patterns")
    assert {name: value for name, value in session.items() if value not in (None, [])} == {
        "station_id": "Station_391",
        "user_id": "User_1",
        "started_at": datetime(2024, 1, 1, 8, tzinfo=UTC),
        "ended_at": datetime(2024, 1, 1, 10, 30, tzinfo=UTC),
        "charging_duration_h": 2.5,
        "energy_kwh": 40.25,
        "max_power_kw": 16.1,
        "cost": 13.08,
        "currency": "EUR",
        "vehicle_model": "Compact",
        "battery_capacity_kwh": 75.5,
        "vehicle_age_years": 2.0,
        "distance_driven_km": 293.6,
        "soc_start_percent": 29.5,
        "soc_end_percent": 82.75,
        "temperature_c": -3.5,
        "weekday": 1,
        "zone": "Europe/Lisbon",
        "line": 2,
    }


def test_the_patterns_without_times_end_at_receipt_and_have_no_weekday(tmp_path: Path) -> None:
    content = made_files.patterns_variant({}, {"Charging Duration (hours)": "0,591"})
    first, second = read(tmp_path, content, "ev_charging_patterns")
    for session, hours in ((first, 2.5), (second, 0.591)):
        assert session["ended_at"] == RECEIVED_AT
        length_s = (session["ended_at"] - session["started_at"]).total_seconds()
        assert length_s == pytest.approx(hours * 3600)
        assert (session["notes"], codes(session)) == (["time_assigned"], [])
        assert (session["user_id"], session["weekday"]) == (None, None)
        assert (session["energy_kwh"], session["charging_duration_h"]) == (40.25, hours)


def test_decimal_commas_are_refused_in_the_variant_with_points(tmp_path: Path) -> None:
    content = made_files.patterns_variant({}).replace(b"40.25", b"40,25")
    (session,) = read(tmp_path, content, "ev_charging_patterns")
    assert (codes(session), session["energy_kwh"]) == (["bad_value"], None)


def test_a_registry_with_letters_of_its_language_is_read(tmp_path: Path) -> None:
    content = made_files.eredes_file([{"Potência Máxima Admissível (kW)": "60000"}])
    (station,) = read(tmp_path, content, "eredes_stations")
    assert {name: value for name, value in station.items() if value not in (None, [])} == {
        "station_id": "1",
        "latitude": 38.5667,
        "longitude": -7.9,
        "power_kw": 60_000.0,
        "connectors": 2.0,
        "district": "Évora",
        "municipality": "Évora",
        "parish": "Malagueira e Horta das Figueiras",
        "zone": "Europe/Lisbon",
        "line": 2,
    }


@pytest.mark.parametrize("is_nested", [True, False])
def test_acn_sessions_are_read_from_a_list_and_from_inside_a_document(
    tmp_path: Path, *, is_nested: bool
) -> None:
    content = made_files.acn_document({}, {"doneChargingTime": None}, is_nested=is_nested)
    session, unknown = read(tmp_path, content, "acn")
    assert (session["station_id"], session["connector_id"]) == ("2-39-78-362", "CA-496")
    assert session["started_at"] == datetime(2018, 4, 25, 11, 8, 4, tzinfo=UTC)
    assert session["ended_at"] == datetime(2018, 4, 25, 13, 20, 10, tzinfo=UTC)
    assert (session["charging_duration_h"], session["energy_kwh"]) == (1.5, 7.932)
    assert session["zone"] == "America/Los_Angeles"
    assert (unknown["charging_duration_h"], codes(unknown)) == (None, [])


moments = st.datetimes(datetime(2016, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001 - UTC follows
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


@given(moments, st.integers(0, 30 * 24 * 3600))
def test_energy_flowed_from_the_start_until_the_moment_that_is_told(
    tmp_path_factory: pytest.TempPathFactory, started_at: datetime, flowed_s: int
) -> None:
    content = made_files.acn_document(
        {
            "connectionTime": format_datetime(started_at, usegmt=True),
            "doneChargingTime": format_datetime(
                started_at + timedelta(seconds=flowed_s), usegmt=True
            ),
        }
    )
    (session,) = read(tmp_path_factory.getbasetemp(), content, "acn")
    assert session["started_at"] == started_at
    assert session["charging_duration_h"] == pytest.approx(flowed_s / 3600)


def test_what_is_no_acn_session_costs_only_itself(tmp_path: Path) -> None:
    content = made_files.acn_document(
        {}, {"stationID": ["S"]}, {"doneChargingTime": "yesterday"}, is_nested=False
    ).replace(b"[{", b"[5, {", 1)
    number, session, listed, unread = read(tmp_path, content, "acn")
    assert number["problems"][0]["value"] == "a int, not an object: 5"
    assert codes(session) == []
    assert listed["problems"][0]["value"].startswith("stationID is a list")
    assert [problem["field"] for problem in unread["problems"]] == ["charging_duration_h"]
