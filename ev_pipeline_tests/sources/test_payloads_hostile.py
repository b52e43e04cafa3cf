"""Whatever is sent, each record is accounted for, and the messages beside it are read."""

import json
import time
import tracemalloc
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ev_pipeline.sources.payloads.parsing import MAX_ELEMENTS, MAX_PAYLOAD_BYTES
from ev_pipeline_tests.sources.made_files import ACN_SESSION, PATTERNS_ROW
from ev_pipeline_tests.sources.messages import CDR, SESSION, decoded_rows, groups
from ev_pipeline_tests.sources.reading import codes

GOOD = json.dumps(SESSION).encode()
SIZE = 1 << 20
PEAK_BYTES = 250 << 20
SECONDS = 20


def around(payload: bytes) -> list[dict[str, Any]]:
    """The payload's rows, once the sessions before and after it were seen to be sound."""
    first, *hostile, last = decoded_rows(GOOD, payload, GOOD)
    for sound in (first, last):
        assert (sound["source_session_id"], sound["problems"]) == ("c1b7", [])
    assert hostile
    return hostile


def session_with(energy: bytes) -> bytes:
    return GOOD.replace(b"12.4", energy)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "an empty payload"),
        (b" ", "no JSON"),
        (b"\0", "no JSON"),
        (b"\xff\xfe{\0}\0", "not UTF-8 at byte 1"),
        (GOOD[:-1], "no JSON"),
        (GOOD + b"}", "no JSON"),
        (GOOD + GOOD, "no JSON"),
        (b"null", "a NoneType, not an object"),
        (b'"text"', "a str, not an object"),
        (b"[]", "no JSON: the list is empty"),
        (b"{}", "no known shape"),
        (b"[1,]", "no JSON"),
        (b"[1 2]", "no JSON: the list does not go on at character"),
        (b"[1] 2", "no JSON: something follows the list"),
        (b"[", "no JSON"),
        (b"[1", "no JSON: the list does not go on"),
        (b'{"timestamp": 1, "data": []}', "no JSON: the list is empty"),
        (b'{"timestamp": 1, "data": 7}', "a int, not an object"),
        (b'{"timestamp": 1, "data": {"timestamp": 1, "data": {}}}', "no known shape"),
        (b'{"data": %b}' % GOOD, "no known shape"),
        (b'{"\xed\xa0\x80": 1}', "not UTF-8"),
        (b'{"\\ud800": 1}', "no known shape"),
        (session_with(b'{"a": 1}'), "energy_kwh is an object"),
        (GOOD.replace(b"U-17", b"U\\u0000"), "user_id holds a NUL"),
        (GOOD.replace(b"U-17", b"\\ud83d"), "user_id holds a NUL or half a character"),
        (GOOD.replace(b'"U-17"', b"NaN"), "user_id is nan"),
        (b"[" * SIZE, "no JSON"),
        (b"[1," * SIZE, "no JSON"),
        (b'{"a":' * 100_000, "no JSON"),
        (b"[" * 5_000 + b"]" * 5_000, "no JSON"),
        (b"9" * SIZE, "a str, not an object"),
        (b"1" * SIZE + b".5", "a str, not an object"),
        (b'"' + b'\\"' * (SIZE // 2), "no JSON"),
        (b" " * SIZE, "no JSON"),
        (b'"' + b"x" * SIZE + b'"', "a str, not an object"),
        (b'{"%b": 1}' % (b"k" * SIZE), "no known shape"),
        (b"x" * (MAX_PAYLOAD_BYTES + 1), f"longer than {MAX_PAYLOAD_BYTES} bytes"),
        (b"[" + b"1," * MAX_ELEMENTS + b"1]", f"more than {MAX_ELEMENTS} elements"),
    ],
    ids=range(38),
)
def test_what_cannot_be_understood_is_one_record_that_says_why(payload: bytes, why: str) -> None:
    (row,) = around(payload)
    assert codes(row) == ["malformed"]
    assert why in row["problems"][0]["value"]
    assert row["raw"] == payload


@pytest.mark.parametrize(
    ("energy", "value"),
    [
        (b"NaN", "nan"),
        (b"-Infinity", "-inf"),
        (b"1e400", "1e400"),
        (b'"12,4"', "12,4"),
        (b"true", "true"),
        (b"9" * 400, "9" * 200 + "…"),
        (b"9" * 5000, "9" * 200 + "…"),
        (b'"%b"' % (b"x" * SIZE), "x" * 200 + "…"),
    ],
    ids=range(8),
)
def test_what_is_no_number_costs_its_session(energy: bytes, value: str) -> None:
    (row,) = around(session_with(energy))
    problem = {"code": "bad_value", "field": "energy_kwh", "value": value}
    assert (row["problems"], row["source_session_id"]) == ([problem], "c1b7")


def test_the_last_of_two_equal_keys_counts() -> None:
    (row,) = around(GOOD[:-1] + b', "energy_kwh": 7, "user_id": "U-2"}')
    assert (row["energy_kwh"], row["user_id"], row["problems"]) == (7.0, "U-2", [])


@pytest.mark.parametrize("element", [b"{}", b"[]", b"1", b'{"a":{}}', b'{"station_id":1}'])
def test_each_element_of_the_longest_list_is_a_record(element: bytes) -> None:
    began = time.perf_counter()
    (group,) = groups(GOOD, b"[" + b",".join([element] * MAX_ELEMENTS) + b"]")
    assert time.perf_counter() - began < SECONDS
    hostile = group.batch.frame.filter(pl.col("message") == 1)
    assert hostile["line"].to_list() == [*range(1, MAX_ELEMENTS + 1)]
    assert (hostile["problems"].list.len() + hostile["station_id"].is_not_null()).min() == 1
    assert {group.batch.raw(row) for row in range(1, MAX_ELEMENTS + 1)} == {element}


@pytest.mark.parametrize("start", [b"", b'{"a":'], ids=["list", "list in an object"])
@pytest.mark.parametrize("unit", [b'{"":{}},', b"[[]],", b"0,"])
def test_the_largest_payload_takes_bounded_memory(unit: bytes, start: bytes) -> None:
    payload = start + b"[" + unit * ((MAX_PAYLOAD_BYTES - 16) // len(unit)) + b"0]"
    payload += b"}" if start else b""
    tracemalloc.start()
    groups(payload)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < PEAK_BYTES


def test_keys_that_nobody_sent_before_take_no_memory_and_little_time() -> None:
    elements = [{f"{number}-{'k' * 100}": 1, "n": 1} for number in range(20_000)]
    began = time.perf_counter()
    found = around(json.dumps(elements).encode())
    assert [codes(row) for row in found] == [["malformed"]] * len(elements)
    assert time.perf_counter() - began < SECONDS


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["\0", "\ud800", "1e999", "2026-05-04T08:12:00Z", "12,4", 10**400, -(2**70)]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
SHAPES = (SESSION, CDR, PATTERNS_ROW, ACN_SESSION, {"timestamp": 1, "data": SESSION})


@st.composite
def records(draw: st.DrawFn) -> Any:
    """Something like a record: a sound one in which something is changed, added or left out."""
    record = dict(draw(st.sampled_from(SHAPES)))
    for key in draw(st.lists(st.sampled_from(sorted(record)), max_size=3)):
        record[key] = draw(VALUES)
    for key in draw(st.sets(st.sampled_from(sorted(record)), max_size=2)):
        del record[key]
    return record | draw(st.dictionaries(st.text(max_size=3), VALUES, max_size=2))


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    """Any bytes, or something like a payload, perhaps cut or with bytes put in."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    content = draw(records() | st.lists(records() | VALUES, max_size=4) | VALUES)
    payload = json.dumps(content, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 3)) == 0:
        position = draw(st.integers(0, len(payload)))
        payload = payload[:position] + draw(st.binary(max_size=3)) + payload[position + 1 :]
    return payload


def assert_accounted_for(batch: list[bytes]) -> None:
    """Every message has its records, the same as if it came alone, from which each comes again."""
    together = decoded_rows(*batch)
    alone = [
        row | {"message": n} for n, payload in enumerate(batch) for row in decoded_rows(payload)
    ]
    assert str(together) == str(alone)
    assert {row["message"] for row in together} == set(range(len(batch)))
    understood = [row for row in together if "malformed" not in codes(row)]
    again = decoded_rows(*(row["raw"] for row in understood))
    place = {"message": 0, "line": 1}
    assert [str(row | place) for row in again] == [str(row | place) for row in understood]


BATCHES = st.lists(payloads(), min_size=20, max_size=20)
FUZZ = settings(
    max_examples=50,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)


@given(batch=BATCHES)
@FUZZ
def test_a_thousand_hostile_payloads_are_each_accounted_for(batch: list[bytes]) -> None:
    assert_accounted_for(batch)


@pytest.mark.long
@given(batch=BATCHES)
@settings(FUZZ, max_examples=500)
def test_ten_thousand_hostile_payloads_are_each_accounted_for(batch: list[bytes]) -> None:
    assert_accounted_for(batch)
