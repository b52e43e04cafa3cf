"""What is said of a record as a whole: all its reasons at once, in order, in words."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ev_pipeline.domain.codes import CODES, Severity, code_names
from ev_pipeline.domain.validation import describe
from ev_pipeline.settings import Limits
from ev_pipeline_tests.domain.canonical import (
    FAULTLESS,
    RECEIVED_AT,
    UNHURRIED,
    codes,
    judged,
    problem,
    sessions,
)

START: datetime = FAULTLESS["started_at"]


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


def test_only_a_closed_registry_refuses_unknown_stations() -> None:
    assert codes({"station_id": "CP-x"}) == ["station_unregistered"]
    assert codes({"station_id": "CP-x"}, closed_registry=True) == ["unknown_station"]
    assert codes({"station_id": "CP-seen"}, closed_registry=True) == ["unknown_station"]
    assert codes({"station_id": None}, closed_registry=True) == ["missing_field"]
    assert codes({}, closed_registry=True) == []


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
        "station_id": st.sampled_from([None, "CP-1", "CP-22", "CP-x", "", " "]),
        "started_at": st.sampled_from([None, START, datetime(2009, 1, 1, tzinfo=UTC)]),
        "ended_at": st.sampled_from(
            [None, START, START + timedelta(seconds=5), START + timedelta(days=3), RECEIVED_AT]
        ),
        "energy_kwh": st.sampled_from([None, math.nan, -1.0, 0.0, 0.1, 20.0, 300.0, 5000.0]),
        "charging_duration_h": st.sampled_from([None, -1.0, 0.0, 0.001, 30.0, math.inf]),
        "max_power_kw": st.sampled_from([None, math.nan, 30.0, 500.0]),
        "user_id": st.sampled_from([None, "u" * 500, "u" * 501]),
        "stop_reason": st.sampled_from([None, "ü" * 600, "x" * 10_001]),
        "currency": st.sampled_from([None, "EUR", "eur", "EUR\n"]),
        "cost": st.sampled_from([None, 1e308, math.inf, -math.inf]),
        "temperature_c": st.sampled_from([None, 1e308, math.inf]),
        "notes": st.sampled_from([[], ["time_ambiguous"], ["unknown_keys", "end_derived"]]),
        "problems": st.sampled_from([[], [problem("bad_value", "vehicle_age_years", "x")]]),
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
