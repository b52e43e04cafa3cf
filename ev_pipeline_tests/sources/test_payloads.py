import csv
import json
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ev_pipeline.domain.identity import session_ids
from ev_pipeline.sources.mapping import load_mapping, parse_mapping
from ev_pipeline.sources.payloads.messages import Binding, Message, decode_messages, refuse_message
from ev_pipeline_tests.real_data import real_file
from ev_pipeline_tests.sources.made_files import (
    ACN_SESSION,
    PATTERNS_ROW,
    acn_document,
    patterns_file,
    patterns_variant,
)
from ev_pipeline_tests.sources.messages import (
    CDR,
    SCOPE,
    SESSION,
    canonical,
    decoded_rows,
    groups,
    ids,
    message,
    rows,
)
from ev_pipeline_tests.sources.reading import PLAIN, RECEIVED_AT, codes, frame

N_ROWS = 2000

TIMELESS = {
    name: text.replace(",", ".")
    for name, text in PATTERNS_ROW.items()
    if name not in ("User ID", "Charging Start Time", "Charging End Time")
}


def assert_same_as_file(folder: Path, source: str, content: bytes, *messages: Any) -> None:
    """The messages' records are those of the file: same fields, findings and ids."""
    mapping = load_mapping(source)
    from_file = frame(folder, content, mapping)
    (group,) = groups(*messages)
    assert group.mapping.name == source
    assert_frame_equal(canonical(group.batch.frame), canonical(from_file))
    scope, key_has_end = mapping.scope or SCOPE, group.mapping.key_has_end
    assert ids(group) == session_ids(from_file, scope=scope, key_has_end=key_has_end).to_list()


@pytest.mark.parametrize(
    "content",
    [
        SESSION,
        [SESSION],
        {"timestamp": 1777888925.5, "data": SESSION},
        {"timestamp": "2026-05-04T09:02:05Z", "data": [SESSION], "status_code": 1000},
        [{"timestamp": 1777888925, "data": SESSION}],
        b"\xef\xbb\xbf \r\n" + json.dumps(SESSION, indent=2).encode() + b"\n",
    ],
    ids=[
        "object",
        "list",
        "envelope",
        "envelope of a list",
        "list of envelopes",
        "mark and spaces",
    ],
)
def test_a_session_is_the_same_in_each_shape_and_in_a_file(tmp_path: Path, content: Any) -> None:
    assert_same_as_file(tmp_path, "canonical", json.dumps(SESSION).encode(), content)


@pytest.mark.parametrize(
    ("folder", "name", "source", "delimiter"),
    [
        ("dundee", "cpdata.csv", "dundee", ","),
        ("perth_kinross", "sept18toaug19standardisedcorrected.csv", "perth_kinross", ","),
        ("boulder", "Electric_Vehicle_Charging_Station_Energy_Consumption.csv", "boulder", ","),
        ("cary", "electric-vehicle-charging-stations.csv", "cary", ";"),
        ("asensio_workplace", "station_data_dataverse.csv", "asensio_workplace", ","),
    ],
)
def test_a_real_row_is_the_same_by_message_and_by_file(
    tmp_path: Path, folder: str, name: str, source: str, delimiter: str
) -> None:
    with real_file(folder, name).open("rb") as file:
        content = b"".join(islice(file, N_ROWS + 1))
    # The first key keeps the file's byte order mark, as a sender's may.
    table = csv.DictReader(content.decode().splitlines(), delimiter=delimiter)
    assert_same_as_file(tmp_path, source, content, *table)


def test_rows_of_files_that_are_not_at_hand_are_the_same_by_message(tmp_path: Path) -> None:
    assert_same_as_file(tmp_path, "ev_charging_patterns", patterns_file({}), PATTERNS_ROW)
    assert_same_as_file(tmp_path, "ev_charging_patterns", patterns_variant({}), TIMELESS)
    assert_same_as_file(tmp_path, "acn", acn_document({}), ACN_SESSION)


def test_a_cdr_is_the_same_by_message_and_by_file(tmp_path: Path) -> None:
    changed = {**CDR, "session_id": "c1b8", "start_date_time": "2026-05-04T07:13:00.5Z"}
    for content in ([CDR, changed], {"data": [CDR, changed], "status_code": 1000}):
        assert_same_as_file(tmp_path, "ocpi_cdr", json.dumps(content).encode(), CDR, changed)


def test_a_session_is_one_whether_it_comes_as_cdr_or_as_canonical() -> None:
    by_cdr, by_canonical = (ids(group) for group in groups(CDR, SESSION))
    assert by_cdr == by_canonical


def test_a_row_may_have_numbers_and_either_decimal_sign() -> None:
    texts, points, numbers, padded = decoded_rows(
        PATTERNS_ROW,
        {**PATTERNS_ROW, "Energy Consumed (kWh)": "40.25", "Temperature (C)": "-3.5"},
        {**PATTERNS_ROW, "Energy Consumed (kWh)": 40.25, "Vehicle Age (years)": 2.0},
        {f"\ufeff {name} ": text for name, text in PATTERNS_ROW.items()},
    )
    for row in (points, numbers, padded):
        same = {**row, "message": texts["message"], "raw": texts["raw"]}
        assert same == texts
    assert (texts["energy_kwh"], texts["temperature_c"], texts["problems"]) == (40.25, -3.5, [])


@pytest.mark.parametrize("text", ["1,234,5", "1.234,5", "1 234", "٣", "0x1F", "1_0"])
def test_what_has_more_than_a_decimal_sign_is_no_number(text: str) -> None:
    (row,) = decoded_rows({**PATTERNS_ROW, "Energy Consumed (kWh)": text})
    assert [problem["value"] for problem in row["problems"]] == [text]


def test_an_id_is_the_same_as_text_integer_or_whole_number() -> None:
    found = decoded_rows(*({**SESSION, "station_id": value} for value in ("51356", 51356, 51356.0)))
    assert [row["station_id"] for row in found] == ["51356"] * 3


def test_a_row_without_times_ends_at_its_own_receipt() -> None:
    messages = [
        Message(json.dumps(TIMELESS).encode(), "c1", RECEIVED_AT, message_id="m-1"),
        Message(json.dumps([TIMELESS] * 2).encode(), "c2", RECEIVED_AT + timedelta(hours=1)),
        Message(json.dumps([TIMELESS] * 2).encode(), "c2", RECEIVED_AT, message_id="m-2"),
    ]
    found = rows(decode_messages(messages, default_scope=SCOPE))
    assert all(row["notes"] == ["time_assigned"] for row in found)
    assert [row["ended_at"] == messages[row["message"]].received_at for row in found] == [True] * 5
    assert {row["ended_at"] - row["started_at"] for row in found} == {timedelta(hours=2.5)}
    assert [row["account"] for row in found] == ["c1", "c2", "c2", "c2", "c2"]
    assert [row["delivery_id"] for row in found] == ["m-1", None, None, "m-2/1", "m-2/2"]


def test_a_mixed_list_is_sorted_by_mapping_and_each_element_keeps_its_text() -> None:
    texts = [
        json.dumps(SESSION, indent=1),
        "[1, {}]",
        '{"station_id":  "CP\\u002d1", "energy_kwh": 1e400}',
        "null",
        json.dumps(CDR),
        json.dumps(PATTERNS_ROW, ensure_ascii=False),
        '{"colour": "red"}',
        "1" * 5000,
    ]
    found = decoded_rows(f" [ {' , '.join(texts)} ] ".encode())
    assert [row["line"] for row in found] == [*range(1, len(texts) + 1)]
    assert [row["raw"].decode() for row in found] == texts
    assert [row["mapping"] for row in found] == [
        *["canonical"] * 4,
        "ocpi_cdr",
        "ev_charging_patterns",
        *["canonical"] * 2,
    ]
    assert [codes(row) for row in found] == [
        *([], ["malformed"], ["bad_value"], ["malformed"]),
        *([], [], ["malformed"], ["malformed"]),
    ]


def test_a_record_comes_back_from_its_raw_bytes() -> None:
    contents = [SESSION, [CDR, "x", PATTERNS_ROW], {"timestamp": 1, "data": [SESSION, TIMELESS]}]
    found = decoded_rows(*contents, b"\xff", {"timestamp": 1, "data": SESSION})
    again = decoded_rows(*(row["raw"] for row in found))
    place = {"message": 0, "line": 1}
    assert [{**row, **place} for row in again] == [{**row, **place} for row in found]


CHARGER = f"""
{PLAIN.partition("[fields]")[0]}
scope = "riverside"
[file]
format = "json"
list_at = "report.sessions"
[fields]
station_id = "point.id"
started_at = {{ column = "from", format = "epoch_s" }}
ended_at = {{ column = "to", format = "epoch_ms" }}
energy_kwh = {{ column = "meter.wh", unit = "Wh" }}
"""
OWN = {"point": {"id": "P1"}, "from": 1777882320, "to": 1777888920000, "meter": {"wh": 12400}}


@pytest.mark.parametrize("content", [OWN, [OWN], {"report": {"sessions": [OWN]}, "timestamp": 1}])
def test_a_bound_account_sends_its_chargers_own_json(content: Any) -> None:
    mapping = parse_mapping(CHARGER, where="charger.toml")
    (row,) = decoded_rows(content, binding=Binding(mapping))
    assert (row["station_id"], row["energy_kwh"], row["problems"]) == ("P1", 12.4, [])
    assert f"{row['ended_at']:%H:%M:%S}" == "10:02:00"
    assert row["scope"] == "riverside"
    (bound,) = decoded_rows(content, binding=Binding(mapping, scope="hillside"))
    assert bound["scope"] == "hillside"


def test_an_account_bound_to_rows_may_pad_and_wrap_them() -> None:
    row = {f" {name}": text for name, text in TIMELESS.items()}
    binding = Binding(load_mapping("ev_charging_patterns"), scope="hillside")
    (found,) = decoded_rows({"timestamp": 1, "data": row}, binding=binding)
    assert (found["notes"], found["energy_kwh"]) == (["time_assigned"], 40.25)


def test_an_account_is_bound_to_sessions_only() -> None:
    with pytest.raises(ValueError, match="reads no sessions"):
        Binding(load_mapping("canonical_stations"))


def test_the_scope_is_the_accounts_else_the_mappings_else_the_default() -> None:
    row = {"CP ID": 1, "Connector": 1, "Start Date": "01/01/2018", "Start Time": "10:00"}
    row |= {"End Date": "01/01/2018", "End Time": "11:00", "Total kWh": 5, "Site": "A"}
    scopes = [found["scope"] for found in decoded_rows(row, SESSION)]
    assert scopes == ["perth_kinross", SCOPE]
    assert decoded_rows(row, binding=Binding(scope="mine"))[0]["scope"] == "mine"


def test_what_is_nearly_a_row_is_told_what_it_lacks() -> None:
    row = {"Charging event": 1, "CP ID": 1, "Connector": 1, "Start Date": "01/01/2018"}
    row |= {"Start Time": "10:00", "End Date": "", "End Time": "", "Total kWh": 5, "Site": "A"}
    (found,) = decoded_rows(row)
    assert codes(found) == ["malformed"]
    assert found["problems"][0]["value"].startswith(
        "no known shape: nearest is dundee, but 'Cost' is not there"
    )


def test_unknown_keys_of_a_session_are_noted() -> None:
    assert decoded_rows({**SESSION, "colour": "red"})[0]["notes"] == ["unknown_keys"]


def test_every_frame_has_the_same_columns() -> None:
    frames = [group.batch.frame for group in groups(SESSION, CDR, PATTERNS_ROW, TIMELESS, b"")]
    assert len(frames) == 4
    assert pl.concat(frames).height == 5


def test_no_messages_are_no_records() -> None:
    assert decode_messages([], default_scope=SCOPE) == []


def test_a_message_knows_its_place_in_the_batch() -> None:
    found = decode_messages([message(SESSION), message([SESSION] * 2)], default_scope=SCOPE)
    assert found[0].batch.frame["message"].to_list() == [0, 1, 1]


def test_a_message_can_be_refused_whole_with_a_reason() -> None:
    refused = refuse_message(message([SESSION] * 2), "no place for it", default_scope=SCOPE)
    (row,) = rows([refused])
    assert (codes(row), row["raw"]) == (["malformed"], message([SESSION] * 2).payload)
    assert row["problems"][0]["value"].startswith("no place for it")
    assert row["account"] == "charger-1"
