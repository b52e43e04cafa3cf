import gzip
import io
import os
import pwd
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.mapping import parse_mapping
from ev_pipeline.sources.reader import read_batches, read_records
from ev_pipeline_tests.sources.reading import (
    PLAIN,
    PLAIN_HEADER,
    PLAIN_ROW,
    RECEIVED_AT,
    batches,
    codes,
    frame,
    plain_mapping,
)

PLAIN_FILE = PLAIN_HEADER + PLAIN_ROW * 3


def refusal(folder: Path, content: bytes, *more: str) -> str:
    with pytest.raises(PipelineError) as refused:
        frame(folder, content, plain_mapping(*more))
    return str(refused.value)


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


def test_hostile_texts_are_texts(tmp_path: Path) -> None:
    texts = ["'; DROP TABLE ev_session; --", "$(rm -rf /)", "🔌🚗", "مرحبا", "x" * 10_000]
    content = PLAIN_HEADER + "".join(f'"{text}",,,\n' for text in texts).encode()
    assert frame(tmp_path, content)["station_id"].to_list() == texts


def test_a_file_of_100_mb_in_one_line_is_one_malformed_record(tmp_path: Path) -> None:
    content = PLAIN_HEADER + b"x" * (100 << 20) + b"\n" + PLAIN_ROW
    read = batches(tmp_path, content)
    rows = [row for batch in read for row in batch.frame.to_dicts()]
    assert [codes(row) for row in rows] == [["malformed"], []]
    assert [row["line"] for row in rows] == [2, 3]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"  \r\n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "the file is empty; export it again" in refusal(tmp_path, content)


@pytest.mark.parametrize("content", [PLAIN_HEADER, PLAIN_HEADER.strip()])
def test_a_header_alone_is_no_records(tmp_path: Path, content: bytes) -> None:
    assert batches(tmp_path, content) == []


@pytest.mark.parametrize("name", ["file.gz", "file.zip"])
def test_a_packed_file_is_read_as_it_is_and_refused_when_truncated(
    tmp_path: Path, name: str
) -> None:
    content = PLAIN_HEADER + b"".join(b"CP-%d" % i + PLAIN_ROW[4:] for i in range(50_000))
    packed = packing(content, name)
    assert frame(tmp_path, packed).height == 50_000
    for kept in (len(packed) - 1, len(packed) // 2, 30):
        assert "truncated or damaged" in refusal(tmp_path, packed[:kept])


def packing(content: bytes, name: str) -> bytes:
    if name.endswith(".gz"):
        return gzip.compress(content)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__MACOSX/._sessions.csv", b"")
        archive.writestr("sessions.csv", content)
    return stream.getvalue()


def test_a_zip_of_two_files_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.csv", PLAIN_FILE)
        archive.writestr("b.csv", PLAIN_FILE)
    assert "holds 2 files" in refusal(tmp_path, stream.getvalue())


def test_a_byte_order_mark_is_taken_off(tmp_path: Path) -> None:
    assert frame(tmp_path, b"\xef\xbb\xbf" + PLAIN_FILE)["station_id"].to_list() == ["CP-1"] * 3


@pytest.mark.parametrize("encoding", ["utf-16", "windows-1252", "gb18030", "utf-8-sig"])
def test_an_encoding_is_read_as_the_mapping_says(tmp_path: Path, encoding: str) -> None:
    station = "中" if encoding == "gb18030" else "Süd"
    content = (PLAIN_FILE.decode() + f"{station},,,\n").encode(encoding)
    mapping = plain_mapping("[file]", f'encoding = "{encoding}"')
    read = frame(tmp_path, content, mapping)
    assert read["station_id"].to_list() == ["CP-1"] * 3 + [station]
    assert read["line"].to_list() == [2, 3, 4, 5]


def test_a_wrong_encoding_is_refused_or_quarantined(tmp_path: Path) -> None:
    assert 'encoding = "utf-16"' in refusal(tmp_path, PLAIN_FILE.decode().encode("utf-16"))
    assert 'encoding = "utf-16"' in refusal(tmp_path, PLAIN_FILE.decode().encode("utf-16-le"))
    assert "line 1, byte 2" in refusal(tmp_path, "Süd,b\n".encode("latin-1"))
    assert "not in its encoding" in refusal(
        tmp_path, b"\xff\xfea\0\0\xd8b\0", "[file]", 'encoding = "utf-16"'
    )


@pytest.mark.parametrize(
    "content", [b"PAR1\x15\x04", b"\x7fELF\x02\x01\x01\0\0\0", b"\0\1\2,\n", b"%PDF-1.7\n"]
)
def test_a_binary_file_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "export it as CSV" in refusal(tmp_path, content)


def test_an_office_document_is_refused_with_the_mend(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    assert "save the sheet as CSV" in refusal(tmp_path, stream.getvalue())


def test_a_missing_column_is_named_with_the_nearest_there_is(tmp_path: Path) -> None:
    said = refusal(tmp_path, PLAIN_FILE.replace(b"start,", b"Started,"))
    assert f"{tmp_path}/file, line 1: there is no column 'start'" in said
    assert "it may be 'Started'; check" in said


def test_a_wrong_delimiter_is_a_missing_column(tmp_path: Path) -> None:
    assert "; check delimiter" in refusal(tmp_path, PLAIN_FILE.replace(b",", b";"))


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    content = PLAIN_HEADER.replace(b"\n", b",kwh\n") + PLAIN_ROW
    assert "'kwh', which the mapping plain reads, stands twice" in refusal(tmp_path, content)


def test_other_columns_and_another_order_are_fine(tmp_path: Path) -> None:
    content = b"kwh,x,, station ,,end,start\n12.4,,,CP-1,,2026-05-04T10:02:00Z,\n"
    (row,) = frame(tmp_path, content).to_dicts()
    assert (row["station_id"], row["energy_kwh"], row["started_at"]) == ("CP-1", 12.4, None)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="Is a directory"):
        list(read_batches(tmp_path, plain_mapping(), received_at=RECEIVED_AT))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="No such file"):
        list(read_batches(tmp_path / "no.csv", plain_mapping(), received_at=RECEIVED_AT))


@contextmanager
def _without_rights() -> Iterator[None]:
    """Root may read everything; within, it may not."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.csv"
    path.write_bytes(PLAIN_FILE)
    path.chmod(0)
    with _without_rights(), pytest.raises(PipelineError, match="give yourself the right"):
        list(read_batches(path, plain_mapping(), received_at=RECEIVED_AT))


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "growing.csv"
    path.write_bytes(PLAIN_HEADER + PLAIN_ROW * 10_000)
    reading = read_batches(path, plain_mapping(), received_at=RECEIVED_AT, batch_bytes=1 << 16)
    next(reading)
    with path.open("ab") as file:
        file.write(PLAIN_ROW)
    with pytest.raises(PipelineError, match="changed while it was read"):
        list(reading)


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


def test_stray_quotes_in_every_row_are_read(tmp_path: Path) -> None:
    row = b'%d" post,2026-05-04T08:12:00Z,2026-05-04T10:02:00Z,1\n'
    rows = b"".join(row % i for i in range(20_000))
    read = frame(tmp_path, PLAIN_HEADER + rows)
    assert read["station_id"].to_list() == [f'{i}" post' for i in range(20_000)]


PEAK_OF_READING = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline.sources.reader import read_batches
mapping = load_mapping("canonical")
batches = read_batches(Path(sys.argv[1]), mapping, received_at=datetime.now(UTC))
n = sum(batch.frame.height for batch in batches)
print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak_mib(path: Path) -> tuple[int, int]:
    """How many records a process of its own reads from a file, and its peak memory in MiB."""
    command = [sys.executable, "-c", PEAK_OF_READING, str(path)]
    n_records, peak = subprocess.run(command, capture_output=True, check=True).stdout.split()
    return int(n_records), int(peak)


def generated(path: Path, n_mib: int) -> int:
    """A canonical file of about `n_mib`; how many records it has."""
    header = b"session_id,station_id,started_at,ended_at,energy_kwh\n"
    row = b"%08d,CP-1,2026-05-04T08:12:00+01:00,2026-05-04T10:02:00+01:00,12.4\n"
    n_records = (n_mib << 20) // len(row % 0)
    with path.open("wb") as file:
        file.write(header)
        for start in range(0, n_records, 10_000):
            file.writelines(row % i for i in range(start, min(start + 10_000, n_records)))
    return n_records


def test_the_size_of_a_file_does_not_show_in_memory(tmp_path: Path) -> None:
    n_small, n_large = generated(tmp_path / "small", 24), generated(tmp_path / "large", 96)
    (small, peak_small), (large, peak_large) = (
        peak_mib(tmp_path / name) for name in ("small", "large")
    )
    assert (small, large) == (n_small, n_large)
    assert peak_large < peak_small + 64


@pytest.mark.long
def test_300_mb_are_read_in_bounded_memory(tmp_path: Path) -> None:
    n_records = generated(tmp_path / "large", 300)
    read, peak = peak_mib(tmp_path / "large")
    assert read == n_records
    assert peak < 600


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
