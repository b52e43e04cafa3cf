import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ev_pipeline.sources.record_blocks import (
    MAX_RECORD_BYTES,
    Dialect,
    Fault,
    RecordBlock,
)
from ev_pipeline.sources.splitting import split_records

COMMAS = Dialect(b",", b'"')


def split(data: bytes, *, block_bytes: int = 1 << 20, dialect: Dialect = COMMAS) -> list[bytes]:
    return [block.raw(i) for block in blocks(data, block_bytes, dialect) for i in range(len(block))]


def blocks(data: bytes, block_bytes: int, dialect: Dialect = COMMAS) -> list[RecordBlock]:
    return list(split_records(io.BytesIO(data).read, dialect, block_bytes))


def faults(data: bytes, *, block_bytes: int = 1 << 20) -> list[tuple[bytes, Fault]]:
    return [
        (block.raw(i), Fault(block.faults[i]))
        for block in blocks(data, block_bytes)
        for i in range(len(block))
    ]


def by_csv_module(record: str) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(record, newline="")) if row]


values = st.text(st.sampled_from('ab ,"\n\r;é'), max_size=8)
line_ends = st.sampled_from(["\n", "\r\n", "\r"])


@given(st.lists(st.lists(values, min_size=2, max_size=4)), line_ends, st.integers(1, 40))
def test_what_the_csv_module_writes_is_cut_where_it_was_joined(
    rows: list[list[str]], line_end: str, block_bytes: int
) -> None:
    text = io.StringIO(newline="")
    has_line_end = any({"\r", "\n"} & set(value) for row in rows for value in row)
    writer = csv.writer(
        text,
        lineterminator=line_end,
        quoting=csv.QUOTE_ALL if has_line_end else csv.QUOTE_MINIMAL,  # which writes some bare
    )
    writer.writerows(rows)
    records = split(text.getvalue().encode(), block_bytes=block_bytes)
    assert [by_csv_module(record.decode()) for record in records] == [[row] for row in rows]


@given(st.lists(st.text(st.sampled_from('a",'), max_size=12)), line_ends, st.integers(1, 40))
def test_stray_quotes_without_line_ends_in_them_are_cut_as_by_the_csv_module(
    lines: list[str], line_end: str, block_bytes: int
) -> None:
    whole = [line for line in lines if len(by_csv_module(line + "\n" + "x")) == 2]
    text = "".join(line + line_end for line in whole)
    records = split(text.encode(), block_bytes=block_bytes)
    assert [record.decode() for record in records] == whole


@given(st.text(st.sampled_from('ab,"\n\r'), max_size=60), st.integers(1, 70))
def test_no_byte_is_lost_whatever_the_mixture(text: str, block_bytes: int) -> None:
    data = text.encode()
    position = 0
    for block in blocks(data, block_bytes):
        for i in range(len(block)):
            found = data.index(block.raw(i), position)
            assert not data[position:found].strip(b"\r\n")
            position = found + len(block.raw(i))
    assert not data[position:].strip(b"\r\n")


@given(st.text(st.sampled_from('ab,"\n\r'), max_size=60), st.integers(1, 70))
def test_the_size_of_blocks_does_not_matter(text: str, block_bytes: int) -> None:
    data = text.encode()
    whole = [(line, raw) for line, raw in lines_and_records(data, 1 << 20)]
    assert lines_and_records(data, block_bytes) == whole


def lines_and_records(data: bytes, block_bytes: int) -> list[tuple[int, bytes]]:
    return [
        (int(block.lines[i]), block.raw(i))
        for block in blocks(data, block_bytes)
        for i in range(len(block))
    ]


def test_lines_are_physical_lines() -> None:
    data = b'h\r\n"a\nb"\r\n\r\nc\rd\n'
    assert lines_and_records(data, 1 << 20) == [(1, b"h"), (2, b'"a\nb"'), (5, b"c"), (6, b"d")]


def test_an_unclosed_quote_takes_one_line_and_not_the_file() -> None:
    rows = [f'{i},"site {i}"'.encode() for i in range(1000)]
    rows[500] = b'500,"site 500'
    found = faults(b"\r\n".join(rows))
    assert [raw for raw, _ in found] == rows
    assert [i for i, (_, fault) in enumerate(found) if fault] == [500]


def test_an_unclosed_quote_with_none_after_it_takes_one_line() -> None:
    rows = [b"a,b"] * 10 + [b'a,"b'] + [b"c,d"] * 10
    found = faults(b"\n".join(rows))
    assert [raw for raw, _ in found] == rows
    assert [fault for _, fault in found].count(Fault.OPEN_QUOTE) == 1


@pytest.mark.parametrize("block_bytes", [1 << 16, 1 << 24])
def test_a_line_without_end_is_cut_and_the_next_one_read(block_bytes: int) -> None:
    long = b"x" * (3 * MAX_RECORD_BYTES)
    found = faults(b"a,b\n" + long + b"\nc,d\n", block_bytes=block_bytes)
    assert [fault for _, fault in found] == [Fault.NONE, Fault.TOO_LONG, Fault.NONE]
    assert [len(raw) for raw, _ in found] == [3, MAX_RECORD_BYTES, 3]


def test_a_record_of_many_lines_is_whole_as_long_as_it_is_not_too_long() -> None:
    record = b'"' + b"line\n" * 100_000 + b'",b'
    assert split(b"a,b\n" + record + b"\nc,d", block_bytes=1 << 12) == [b"a,b", record, b"c,d"]


def test_without_quoting_a_quote_is_a_letter() -> None:
    assert split(b'"a\nb"\n', dialect=Dialect(b";", b"")) == [b'"a', b'b"']
