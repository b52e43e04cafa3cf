import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ev_pipeline.sources.json_surrogates import MarkedHalves, with_halves
from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline.sources.reader import read_records
from ev_pipeline_tests.sources.reading import RECEIVED_AT, batches, codes

CANONICAL = load_mapping("canonical")
SESSION = {"station_id": "A", "started_at": "2024-05-06T08:00Z", "ended_at": "2024-05-06T10:00Z"}


def read_through(json_text: str, sizes: list[int]) -> str:
    """What a parser gets, in parts of these sizes, one after the other and again."""
    reader = MarkedHalves(io.BytesIO(json_text.encode()))
    parts: list[bytes] = []
    while part := reader.read(sizes[len(parts) % len(sizes)]):
        parts.append(part)
    return b"".join(parts).decode()


ESCAPES = ["\\\\", "\\u0041", "\\ud83d", "\\uDE97", "\\udc00", '\\"', "\\n", "ud800", "é", "x"]
json_texts = st.lists(st.sampled_from(ESCAPES)).map(lambda parts: f'"{"".join(parts)}"')


@given(json_texts, st.lists(st.integers(1, 13), min_size=1))
def test_halves_are_carried_past_the_parser_however_the_parts_are_cut(
    json_text: str, sizes: list[int]
) -> None:
    value = json.loads(read_through(json_text, sizes))
    value.encode()  # no half is left that a parser could spoil
    again = with_halves(json.dumps(value, ensure_ascii=False))
    assert json.loads(again) == json.loads(json_text)


@pytest.mark.parametrize("half", ["\\ud800", "\\uDFFF", "\\udc00\\ud800", "\\ud83d\\ud83d\\ude97"])
def test_half_a_character_costs_its_record_and_its_bytes_stay(tmp_path: Path, half: str) -> None:
    good, bad = (json.dumps({**SESSION, "energy_kwh": n, "user_id": "U"}) for n in (1, 2))
    bad = bad.replace('"U"', f'"{half}a"')
    (batch,) = batches(tmp_path, f"[{good}, {bad}, {good}]".encode(), CANONICAL)
    assert [codes(row) for row in batch.frame.to_dicts()] == [[], ["malformed"], []]
    assert half[:6].encode() in batch.raw(1)
    assert json.loads(batch.raw(1)) == json.loads(bad)
    again = read_records([batch.raw(1)], CANONICAL, None, RECEIVED_AT)
    assert codes(again.frame.to_dicts()[0]) == ["malformed"]


def test_half_a_character_where_nobody_looks_costs_nothing(tmp_path: Path) -> None:
    record = json.dumps({**SESSION, "energy_kwh": 1, "remarks": "U"}).replace('"U"', '"\\ud800"')
    (batch,) = batches(tmp_path, f"[{record}]".encode(), CANONICAL)
    assert codes(batch.frame.to_dicts()[0]) == []
    assert b'"\\ud800"' in batch.raw(0)
