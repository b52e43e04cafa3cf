"""Paths that lead to no file, to none that may be read, or to one that changes."""

import os
import socket
from pathlib import Path

import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.files import name_of
from ev_pipeline.sources.reader import read_batches
from ev_pipeline_tests.rights import without_rights
from ev_pipeline_tests.sources.reading import (
    PLAIN_FILE,
    PLAIN_HEADER,
    PLAIN_ROW,
    RECEIVED_AT,
    plain_mapping,
    refusal,
)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"  \r\n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "the file is empty; export it again" in refusal(tmp_path, content)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="Is a directory"):
        list(read_batches(tmp_path, plain_mapping(), received_at=RECEIVED_AT))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="No such file"):
        list(read_batches(tmp_path / "no.csv", plain_mapping(), received_at=RECEIVED_AT))


def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.csv"
    path.write_bytes(PLAIN_FILE)
    path.chmod(0)
    with without_rights(), pytest.raises(PipelineError, match="give yourself the right"):
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


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "shrinking.csv"
    path.write_bytes(PLAIN_HEADER + PLAIN_ROW * 10_000)
    reading = read_batches(path, plain_mapping(), received_at=RECEIVED_AT, batch_bytes=1 << 16)
    next(reading)
    os.truncate(path, 1 << 18)
    with pytest.raises(PipelineError, match="changed while it was read"):
        list(reading)


def test_a_pipe_is_refused_without_waiting_for_who_writes_to_it(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(PipelineError, match=r"a pipe or a device.*write it into a file"):
        list(read_batches(path, plain_mapping(), received_at=RECEIVED_AT))


def test_a_device_and_a_socket_are_refused(tmp_path: Path, home: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home / "socket"))
        for path in (Path("/dev/zero"), home / "socket"):
            with pytest.raises(PipelineError, match="a pipe or a device"):
                list(read_batches(path, plain_mapping(), received_at=RECEIVED_AT))


def test_a_file_whose_name_is_no_utf_8_is_named_in_words_that_can_be_shown(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"S\xfcd.csv")
    path.write_bytes(b"")
    with pytest.raises(PipelineError) as refused:
        list(read_batches(path, plain_mapping(), received_at=RECEIVED_AT))
    assert r"S\xfcd.csv: the file is empty" in str(refused.value)
    assert name_of(tmp_path / "Süd.csv").endswith("Süd.csv")
