import json
from pathlib import Path

import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.files import opened
from ev_pipeline.sources.json_bounds import BoundedReader
from ev_pipeline.sources.mapping import load_mapping, parse_mapping
from ev_pipeline.sources.reader import read_records
from ev_pipeline_tests.sources.reading import PLAIN, RECEIVED_AT, batches, codes, frame

CANONICAL = load_mapping("canonical")

SESSION = {
    "session_id": "c1b7",
    "station_id": "CP-0102",
    "connector_id": 1,
    "started_at": "2026-05-04T08:12:00+01:00",
    "ended_at": "2026-05-04T10:02:00+01:00",
    "energy_kwh": 12.4,
    "cost": None,
}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([SESSION, SESSION]),
        json.dumps([SESSION, SESSION], indent=2),
        json.dumps(SESSION) + "\n" + json.dumps(SESSION),
        json.dumps(SESSION) + "\r\n\r\n" + json.dumps(SESSION) + "\r\n",
        json.dumps(SESSION, indent=2) + json.dumps(SESSION, indent=2),
        ",".join(SESSION) + "\n" + 2 * (",".join(str(v or "") for v in SESSION.values()) + "\n"),
    ],
    ids=["list", "pretty list", "lines", "blank lines", "pretty objects", "csv"],
)
def test_the_canonical_session_is_read_in_each_form(tmp_path: Path, content: str) -> None:
    rows = frame(tmp_path, content.encode(), CANONICAL).to_dicts()
    assert len(rows) == 2
    for row in rows:
        assert (row["source_session_id"], row["connector_id"]) == ("c1b7", "1")
        assert f"{row['started_at']:%H:%M %Z}" == "07:12 UTC"
        assert (row["energy_kwh"], row["cost"], codes(row), row["notes"]) == (12.4, None, [], [])


def test_keys_that_nobody_knows_are_noted(tmp_path: Path) -> None:
    content = json.dumps([SESSION, {**SESSION, "colour": "red"}]).encode()
    assert frame(tmp_path, content, CANONICAL)["notes"].to_list() == [[], ["unknown_keys"]]


def test_a_bad_line_is_quarantined_and_the_next_one_read(tmp_path: Path) -> None:
    lines = [json.dumps(SESSION), '{"station_id": ', "[1]", "NaN", json.dumps(SESSION)]
    read = frame(tmp_path, "\n".join(lines).encode(), CANONICAL)
    assert [codes(row) for row in read.to_dicts()] == [[], *[["malformed"]] * 3, []]
    assert read["line"].to_list() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "12,4", "1_000", "1 000", True])
def test_what_is_no_finite_number_is_a_bad_value(tmp_path: Path, value: object) -> None:
    (row,) = frame(tmp_path, json.dumps({**SESSION, "energy_kwh": value}).encode(), CANONICAL).rows(
        named=True
    )
    assert [problem["field"] for problem in row["problems"]] == ["energy_kwh"]
    assert row["energy_kwh"] is None


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "é\0"])
def test_a_text_that_no_table_can_hold_is_malformed(tmp_path: Path, text: str) -> None:
    content = "\n".join(json.dumps({**SESSION, "user_id": user}) for user in (text, "U")).encode()
    rows = frame(tmp_path, content, CANONICAL).to_dicts()
    assert [codes(row) for row in rows] == [["malformed"], []]


def test_deep_nesting_is_refused_before_it_takes_memory(tmp_path: Path) -> None:
    bomb = "[" * 1_000_000
    with pytest.raises(PipelineError, match="nested more than 200 deep"):
        batches(tmp_path, f'[{{"station_id": {bomb}'.encode(), CANONICAL)
    lines = f'{json.dumps(SESSION)}\n{{"station_id": {bomb}}}\n{json.dumps(SESSION)}'
    rows = frame(tmp_path, lines.encode(), CANONICAL).to_dicts()
    assert [codes(row) for row in rows] == [[], ["malformed"], []]


def test_brackets_in_texts_are_no_nesting(tmp_path: Path) -> None:
    texts = ["[" * 500, '\\"[' * 300, "{" * 70_000, "\\" * 999]
    content = json.dumps([{**SESSION, "user_id": text} for text in texts]).encode()
    assert frame(tmp_path, content, CANONICAL)["user_id"].to_list() == texts


@pytest.mark.parametrize("kept", [5, 50, -1])
def test_a_truncated_document_is_refused(tmp_path: Path, kept: int) -> None:
    content = json.dumps([SESSION] * 10).encode()[:kept]
    with pytest.raises(PipelineError, match="is no JSON"):
        batches(tmp_path, content, CANONICAL)


def test_a_document_without_the_list_is_refused(tmp_path: Path) -> None:
    mapping = parse_mapping(f'{PLAIN}\n[file]\nformat = "json"\nlist_at = "a.b"', where="m")
    with pytest.raises(PipelineError, match=r"there is no list at a\.b"):
        batches(tmp_path, b'{"a": {"c": []}}', mapping)
    assert batches(tmp_path, b'{"a": {"b": []}}', mapping) == []


def test_an_element_without_end_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    content = b'[{"station_id": "' + b"x" * (40 << 20) + b'"}]'
    with pytest.raises(PipelineError, match="longer than"):
        batches(tmp_path, content, CANONICAL)


def test_a_record_comes_back_from_its_bytes(tmp_path: Path) -> None:
    content = json.dumps([SESSION, [], {**SESSION, "x": {"é": [1, 2.5]}}]).encode()
    (batch,) = batches(tmp_path, content, CANONICAL)
    raw = [batch.raw(row) for row in range(3)]
    assert json.loads(raw[2]) == {**SESSION, "x": {"é": [1, 2.5]}}
    again = read_records(raw, CANONICAL, None, RECEIVED_AT)
    assert again.frame.to_dicts() == batch.frame.to_dicts()


@pytest.mark.parametrize("number", ["9" * 5000, "1e400", "-1e400", "1e99999999999999999999999"])
@pytest.mark.parametrize("form", ["[{},{}]", "{}\n{}"], ids=["list", "objects"])
def test_a_number_that_no_float_holds_costs_only_its_record(
    tmp_path: Path, number: str, form: str
) -> None:
    good = json.dumps(SESSION, indent=2)
    content = form.format(good.replace("12.4", number), good).encode()
    bad, fine = frame(tmp_path, content, CANONICAL).to_dicts()
    assert (codes(bad), bad["problems"][0]["value"][:200]) == (["bad_value"], number[:200])
    assert (codes(fine), fine["energy_kwh"]) == ([], 12.4)


@pytest.mark.parametrize(
    "number", ["9223372036854775808", "1" * 30, "0.1000000000000000055", "1e-400"]
)
def test_a_number_with_many_digits_is_read(tmp_path: Path, number: str) -> None:
    content = f"[{json.dumps(SESSION).replace('12.4', number)}]".encode()
    (row,) = frame(tmp_path, content, CANONICAL).to_dicts()
    assert (codes(row), row["energy_kwh"]) == ([], float(number))


@pytest.mark.parametrize("size", range(1, 40))
def test_a_big_number_is_quoted_wherever_the_parts_are_cut(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b'[{"a 1e400 \\" 1e400":-1e400,"b":12.4},' + b"1" * 20 + b"]")
    with opened(path, "utf-8") as source:
        reader = BoundedReader(source)
        parts = list(iter(lambda: reader.read(size), b""))
    assert b"".join(parts) == (b'[{"a 1e400 \\" 1e400":"-1e400","b":12.4},"' + b"1" * 20 + b'"]')
