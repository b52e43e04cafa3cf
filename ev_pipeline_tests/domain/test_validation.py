import math
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ev_pipeline.domain.codes import CODES, Severity, code_names
from ev_pipeline.domain.validation import describe, validate_stations
from ev_pipeline.settings import Limits
from ev_pipeline_tests.domain.canonical import (
    FAULTLESS,
    RECEIVED_AT,
    UNHURRIED,
    codes,
    judged,
    problem,
    sessions,
    stations,
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


def test_all_reasons_of_a_record_are_given_in_the_order_of_the_codes() -> None:
    change = {
        "station_id": None,
        "started_at": datetime(2009, 5, 1, tzinfo=UTC),
        "ended_at": RECEIVED_AT + timedelta(days=1),
        "energy_kwh": -1.0,
        "problems": [problem("bad_value", "cost", "free"), problem("bad_value", "user_id", "?")],
    }
    assert codes(change) == [
        "missing_field",
        "bad_value",
        "bad_value",
        "no_energy",
        "in_future",
        "before_2010",
    ]
    errors = judged(sessions(change))["errors"].to_list()[0]
    assert errors[0] == problem("missing_field", "station_id")
    assert errors[1] == problem("bad_value", "user_id", "?")
    assert errors[3] == problem("no_energy", "energy_kwh", "-1.0")
    assert errors[4] == problem("in_future", "ended_at", "2026-03-02T00:00:00Z")


def test_a_record_that_cannot_be_decoded_is_malformed_and_nothing_else() -> None:
    nothing = dict.fromkeys(FAULTLESS) | {"problems": [problem("malformed", None, "{")]}
    assert codes(nothing) == ["malformed"]


def test_a_field_with_a_bad_value_is_not_missing_too() -> None:
    bad_end = {"ended_at": None, "problems": [problem("bad_value", "ended_at", "soon")]}
    assert codes(bad_end) == ["bad_value"]
    assert codes(bad_end | {"energy_kwh": None}) == ["missing_field", "bad_value"]


def test_an_unfinished_session_still_lacks_its_other_fields() -> None:
    assert codes({"ended_at": None, "energy_kwh": None, "station_id": None}) == [
        "missing_field",
        "not_finished",
    ]


def test_an_end_without_energy_at_zero_is_no_unfinished_session() -> None:
    assert codes({"ended_at": None, "energy_kwh": 0.0}) == ["missing_field", "no_energy"]


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


def test_only_a_closed_registry_refuses_unknown_stations() -> None:
    assert codes({"station_id": "CP-x"}) == ["station_unregistered"]
    assert codes({"station_id": "CP-x"}, closed_registry=True) == ["unknown_station"]
    assert codes({"station_id": "CP-seen"}, closed_registry=True) == ["unknown_station"]
    assert codes({"station_id": None}, closed_registry=True) == ["missing_field"]
    assert codes({}, closed_registry=True) == []


def test_an_unregistered_stations_power_is_no_rating() -> None:
    assert codes({"station_id": "CP-seen", "max_power_kw": 50.0}) == ["station_unregistered"]


def test_a_refused_session_has_no_warnings() -> None:
    row = judged(sessions({"energy_kwh": -1.0, "max_power_kw": 900.0})).row(0, named=True)
    assert (row["warnings"], row["notes"]) == ([], [])


def test_notes_are_listed_in_the_order_of_the_codes() -> None:
    notes = ["unknown_keys", "end_derived"]
    assert codes({"notes": notes, "station_id": "CP-x"}) == [
        "end_derived",
        "station_unregistered",
        "unknown_keys",
    ]


def test_a_note_that_is_no_code_is_our_own_fault() -> None:
    with pytest.raises(ValueError, match="no codes"):
        judged(sessions({"notes": ["hello"]}))


def test_every_limit_is_a_setting() -> None:
    assert codes({"energy_kwh": 30.0}, max_energy_kwh=29.0) == ["energy_over_1000_kwh"]
    assert codes({}, earliest_year=2027) == ["before_2010"]
    assert codes({}, max_mean_power_kw=6.0) == ["impossible_power"]
    assert codes({}, long_session_h=1.9, high_energy_kwh=12.0, low_energy_kwh=13.0) == [
        "over_48_hours",
        "under_0_5_kwh",
        "over_250_kwh",
    ]


def test_an_empty_frame_is_judged() -> None:
    empty = judged(sessions({}).clear())
    assert empty.height == 0
    assert {"errors", "warnings", "notes"} <= set(empty.columns)


def test_every_code_has_a_sentence_with_its_limit_field_and_value() -> None:
    for code in CODES:
        assert "{" not in describe(code.name, None, None, Limits())
        assert describe(code.name, "energy_kwh", "7", Limits()).endswith(": energy_kwh is 7")
    assert describe("energy_over_1000_kwh", "energy_kwh", "1200.0", Limits()) == (
        "the energy is over 1000 kWh: energy_kwh is 1200.0"
    )
    assert describe("before_2010", "started_at", None, Limits(earliest_year=2015)) == (
        "the session starts before the year 2015: started_at"
    )
    with pytest.raises(KeyError):
        describe("no_such_code", None, None, Limits())


WILD = st.fixed_dictionaries(
    {},
    optional={
        "station_id": st.sampled_from([None, "CP-1", "CP-22", "CP-x", ""]),
        "started_at": st.sampled_from([None, START, datetime(2009, 1, 1, tzinfo=UTC)]),
        "ended_at": st.sampled_from(
            [None, START, START + timedelta(seconds=5), START + timedelta(days=3), RECEIVED_AT]
        ),
        "energy_kwh": st.sampled_from([None, math.nan, -1.0, 0.0, 0.1, 20.0, 300.0, 5000.0]),
        "charging_duration_h": st.sampled_from([None, -1.0, 0.0, 0.001, 30.0, math.inf]),
        "max_power_kw": st.sampled_from([None, math.nan, 30.0, 500.0]),
        "notes": st.sampled_from([[], ["time_ambiguous"], ["unknown_keys", "end_derived"]]),
        "problems": st.sampled_from([[], [problem("bad_value", "cost", "x")]]),
    },
)


@UNHURRIED
@given(changes=st.lists(WILD, min_size=1, max_size=12), data=st.data())
def test_a_records_codes_do_not_depend_on_the_records_beside_it(
    changes: list[dict[str, Any]], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(changes))))
    together = judged(sessions(*(changes[i] for i in order))).drop("line")
    alone = pl.concat(judged(sessions(changes[i])) for i in order).drop("line")
    told = ["errors", "warnings", "notes"]
    assert together.select(told).equals(alone.select(told))


@UNHURRIED
@given(change=WILD)
def test_codes_are_listed_in_order_and_warnings_never_beside_errors(change: dict[str, Any]) -> None:
    row = judged(sessions(change)).row(0, named=True)
    for severity, listed in (
        (Severity.ERROR, [error["code"] for error in row["errors"]]),
        (Severity.WARNING, row["warnings"]),
        (Severity.NOTE, row["notes"]),
    ):
        ranks = [code_names(severity).index(code) for code in listed]
        assert ranks == sorted(ranks)
    assert not (row["errors"] and row["warnings"])
    pairs = [(error["code"], error["field"]) for error in row["errors"]]
    assert len(pairs) == len(set(pairs))


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
    assert codes({field: "x" * 10_000}) == []


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


def test_a_charging_duration_that_rounds_to_nothing_is_unknown() -> None:
    assert codes({"charging_duration_h": 1e-10}) == codes({"charging_duration_h": None})
    assert codes({"charging_duration_h": 2e-10}) == ["impossible_power"]
