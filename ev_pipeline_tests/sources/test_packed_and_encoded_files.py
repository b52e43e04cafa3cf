"""Files packed, in other encodings, and of other kinds than text."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from ev_pipeline_tests.sources.reading import (
    PLAIN_FILE,
    PLAIN_HEADER,
    PLAIN_ROW,
    frame,
    plain_mapping,
    refusal,
)


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
