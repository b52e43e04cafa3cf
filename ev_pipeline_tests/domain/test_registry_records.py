"""Records of registries, and texts that stand in keys."""

import math
from typing import Any, Literal

import pytest

from ev_pipeline.domain.validation import validate_stations
from ev_pipeline_tests.domain.canonical import (
    codes,
    judged,
    problem,
    sessions,
    stations,
)


def test_a_registry_record_without_its_key_is_refused() -> None:
    frame = stations({"station_id": "A", "name": "Mill Street"}, {"station_id": None}, {"name": ""})
    by_station = validate_stations(frame, key_field="station_id")["errors"].to_list()
    assert by_station == [[]] + [[problem("missing_field", "station_id")]] * 2
    by_name = validate_stations(frame, key_field="name")["errors"].to_list()
    assert by_name == [[]] + [[problem("missing_field", "name")]] * 2


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("latitude", 90.0, 90.001),
        ("latitude", -90.0, -91.0),
        ("longitude", 180.0, 180.5),
        ("longitude", -180.0, math.nan),
        ("power_kw", 0.0, -1.0),
        ("power_kw", 60000.0, math.inf),
        ("connectors", 1.0, 0.0),
        ("connectors", 4.0, 1.5),
        ("time_zone", "Europe/London", "Europe/Dundee"),
    ],
)
def test_a_registry_value_out_of_range_is_refused(field: str, good: Any, bad: Any) -> None:
    frame = stations({"station_id": "A", field: good}, {"station_id": "B", field: bad})
    errors = validate_stations(frame, key_field="station_id")["errors"].to_list()
    assert errors[0] == []
    assert [(error["code"], error["field"]) for error in errors[1]] == [("bad_value", field)]


def test_a_text_that_just_fits_a_key_is_accepted() -> None:
    longest = "é" * 250
    change = {"station_id": longest, "user_id": longest, "connector_id": longest}
    assert "bad_value" not in codes(change)


@pytest.mark.parametrize("field", ["source_session_id", "stop_reason", "vehicle_model"])
def test_a_text_outside_keys_may_be_long(field: str) -> None:
    assert codes({field: "é" * 10_000}) == []
    assert codes({field: "é" * 10_001}) == ["bad_value"]


def test_a_refused_key_is_quoted_by_its_beginning() -> None:
    (reason,) = judged(sessions({"user_id": "u" * 501})).to_dicts()[0]["errors"]
    assert reason["value"] == "u" * 200 + "…"


@pytest.mark.parametrize("key_field", ["station_id", "name"])
def test_a_registry_key_that_no_index_holds_is_refused(
    key_field: Literal["station_id", "name"],
) -> None:
    frame = stations({"station_id": "CP-1", "name": "Dock"} | {key_field: "k" * 501})
    (errors,) = validate_stations(frame, key_field=key_field)["errors"].to_list()
    assert [(error["code"], error["field"]) for error in errors] == [("bad_value", key_field)]


@pytest.mark.parametrize("zone", ["CET", "EET", "EST", "HST", "MET", "MST", "WET"])
def test_a_zone_that_programs_read_differently_is_no_stations_clock(zone: str) -> None:
    frame = stations({"station_id": "CP-1", "time_zone": zone})
    (errors,) = validate_stations(frame, key_field="station_id")["errors"].to_list()
    assert [(error["code"], error["field"]) for error in errors] == [("bad_value", "time_zone")]
