"""What becomes of single records: their places and bytes, faults, and the way back from bytes."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.mapping import load_mapping, parse_mapping
from ev_pipeline.sources.reader import read_records
from ev_pipeline_tests.sources.reading import (
    PLAIN,
    PLAIN_FILE,
    PLAIN_HEADER,
    PLAIN_ROW,
    RECEIVED_AT,
    batches,
    codes,
    frame,
    plain_mapping,
)


def test_every_row_has_its_line_and_its_bytes(tmp_path: Path) -> None:
    content = PLAIN_HEADER + b"\r\n" + PLAIN_ROW.replace(b"\n", b"\r\n") + b'"a\nb",,,\nlast,,,'
    (batch,) = batches(tmp_path, content)
    assert batch.frame["line"].to_list() == [3, 4, 6]
    assert batch.header == PLAIN_HEADER.strip()
    assert [batch.raw(i) for i in range(3)] == [PLAIN_ROW.strip(), b'"a\nb",,,', b"last,,,"]
    assert batch.frame["station_id"].to_list() == ["CP-1", "a\nb", "last"]


@pytest.mark.parametrize("batch_bytes", [1, 50, 1000])
def test_small_batches_come_to_the_same_as_a_large_one(tmp_path: Path, batch_bytes: int) -> None:
    rows = [b"CP-%d,2026-05-04T08:12:00Z,2026-05-04T10:02:00Z,%d\n" % (i, i) for i in range(50)]
    content = PLAIN_HEADER + b"".join(rows) + b"broken\n" + PLAIN_ROW
    large = frame(tmp_path, content)
    small = batches(tmp_path, content, batch_bytes=batch_bytes)
    assert [row for batch in small for row in batch.frame.to_dicts()] == large.to_dicts()
    assert len(small) > 1


def test_just_the_bad_records_become_malformed(tmp_path: Path) -> None:
    bad = [
        b"CP-1,2026-05-04T08:12:00Z\n",
        b"CP-1,a,b,c,d\n",
        b"CP-\xff,2026-05-04T08:12:00Z,2026-05-04T10:02:00Z,1\n",
        b"CP-\x00,2026-05-04T08:12:00Z,2026-05-04T10:02:00Z,1\n",
        b'"CP-1,2026-05-04T08:12:00Z,2026-05-04T10:02:00Z,1\n',
    ]
    content = PLAIN_HEADER + b"".join(row + PLAIN_ROW for row in bad)
    rows = frame(tmp_path, content).to_dicts()
    assert [codes(row) for row in rows] == [["malformed"], []] * 5
    assert all(row["station_id"] is None and row["zone"] is None for row in rows[::2])
    said = [row["problems"][0]["value"] for row in rows[::2]]
    assert said[0] == "2 values where the header names 4: CP-1,2026-05-04T08:12:00Z"
    assert "not utf-8 at byte 4" in said[2]
    assert "NUL" in said[3]
    assert "quote is opened and not closed" in said[4]


def test_a_stray_quote_is_a_letter_of_its_value(tmp_path: Path) -> None:
    content = PLAIN_HEADER + b'5" post,,,\n"a ""b""",,,\n""x,,,\n'
    assert frame(tmp_path, content)["station_id"].to_list() == ['5" post', 'a "b"', "x"]


def test_stray_quotes_in_every_row_are_read(tmp_path: Path) -> None:
    row = b'%d" post,2026-05-04T08:12:00Z,2026-05-04T10:02:00Z,1\n'
    rows = b"".join(row % i for i in range(20_000))
    read = frame(tmp_path, PLAIN_HEADER + rows)
    assert read["station_id"].to_list() == [f'{i}" post' for i in range(20_000)]


def test_hostile_texts_are_texts(tmp_path: Path) -> None:
    texts = ["'; DROP TABLE ev_session; --", "$(rm -rf /)", "🔌🚗", "مرحبا", "x" * 10_000]
    content = PLAIN_HEADER + "".join(f'"{text}",,,\n' for text in texts).encode()
    assert frame(tmp_path, content)["station_id"].to_list() == texts


def test_a_record_that_was_cut_stays_malformed_when_it_comes_back(tmp_path: Path) -> None:
    content = PLAIN_HEADER + PLAIN_ROW + b"CP-1,,," + b"1" * (2 << 20) + b'\n"CP-1,,,\n' + PLAIN_ROW
    (batch,) = batches(tmp_path, content, batch_bytes=8 << 20)
    raw = [batch.raw(i) for i in range(batch.frame.height)]
    again = read_records(raw, plain_mapping(), batch.header, RECEIVED_AT)
    expected = [[], ["malformed"], ["malformed"], []]
    assert [codes(row) for row in batch.frame.to_dicts()] == expected
    assert [codes(row) for row in again.frame.to_dicts()] == expected


def test_records_come_back_from_their_bytes_as_they_came_from_the_file(tmp_path: Path) -> None:
    content = PLAIN_FILE + b'"a\nb",x,,1\nshort\n\xff,,,\n'
    (batch,) = batches(tmp_path, content)
    raw = [batch.raw(i) for i in range(batch.frame.height)]
    again = read_records(raw, plain_mapping(), batch.header, RECEIVED_AT)
    assert again.frame.drop("line").to_dicts() == batch.frame.drop("line").to_dicts()
    assert [again.raw(i) for i in range(len(raw))] == raw


@pytest.mark.parametrize(
    ("start", "hours"),
    [("9998-01-01T00:00:00Z", "900000"), ("0002-02-02T00:00:00Z", "-900000")],
)
def test_an_end_that_leaves_the_range_of_times_is_a_bad_value(
    tmp_path: Path, start: str, hours: str
) -> None:
    derived = '{ start_plus = "end" }'
    text = PLAIN.replace('{ column = "end", format = ["iso", "dd/mm/yyyy HH:MM"] }', derived)
    mapping = parse_mapping(text, where="plain.toml")
    content = f"station,start,end,kwh\nA,{start},{hours},5\nA,2024-05-06T08:00:00Z,2,5\n".encode()
    bad, good = frame(tmp_path, content, mapping).to_dicts()
    assert (codes(bad), bad["ended_at"]) == (["bad_value"], None)
    assert (codes(good), f"{good['ended_at']:%H:%M}") == ([], "10:00")


@pytest.mark.parametrize(
    "mixture", [["\r\n", "\n", "\r"], ["\n", "\r\n", "\r\n\r\n"], ["\r", "\n\n", "\r"]]
)
def test_mixed_line_endings_end_lines(tmp_path: Path, mixture: list[str]) -> None:
    lines = [PLAIN_HEADER.strip(), *[b"CP-%d" % i + PLAIN_ROW[4:].strip() for i in range(30)]]
    content = b"".join(line + mixture[i % 3].encode() for i, line in enumerate(lines))
    read = frame(tmp_path, content)
    assert read["station_id"].to_list() == [f"CP-{i}" for i in range(30)]
    assert read["problems"].list.len().sum() == 0


pieces = st.one_of(
    st.sampled_from(
        [
            *b'",;\r\n\0{}[]:',
            PLAIN_ROW,
            b'{"station_id":"A"},',
            b"\\ud800",
            b"\xed\xa0\x80",
            b"1e999",
        ]
    ).map(lambda piece: bytes([piece]) if isinstance(piece, int) else piece),
    st.binary(max_size=12),
)


@given(
    st.lists(pieces, max_size=20),
    st.sampled_from([PLAIN_HEADER, b"", b"[", b"{"]),
    st.integers(1, 99),
)
def test_whatever_bytes_come_each_record_is_read_or_told_or_the_file_refused(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], start: bytes, batch_bytes: int
) -> None:
    content = start + b"".join(parts)
    folder = tmp_path_factory.getbasetemp()
    for mapping in (plain_mapping(), load_mapping("canonical")):
        read = []
        with suppress(PipelineError):  # which is one line by itself
            read = batches(folder, content, mapping, batch_bytes=batch_bytes)
        for batch in read:
            assert batch.frame["line"].is_sorted()
            assert all(isinstance(batch.raw(row), bytes) for row in range(batch.frame.height))
