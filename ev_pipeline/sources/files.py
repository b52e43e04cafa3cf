"""Files as streams of bytes: packed or not, in any encoding, with every failure named.

What lives here: opening, unpacking, transcoding, taking off a byte order mark.
What does not: what the bytes mean (`splitting`, `json_records`).
"""

import codecs
import gzip
import io
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final, cast

from ev_pipeline.domain.errors import PipelineError

_UTF8_BOM: Final = codecs.BOM_UTF8
_WIDE_BOMS: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_BINARY_STARTS: Final = {
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"SQLite format 3": "a SQLite database",
    b"\xd0\xcf\x11\xe0": "an old Office document",
}
"""How files begin that are often taken for an export."""

_PEEK_BYTES: Final = 16
"""Enough to know what a file is."""


def name_of(path: Path) -> str:
    """The path as text that can be stored and shown: bytes that are no UTF-8 are spelt out."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


@cache
def record_encoding(encoding: str) -> str:
    """The encoding in which a file's records are cut out.

    Returns:
        `encoding` itself where a byte of ASCII always means that character; else UTF-8, into
        which the file is transcoded while it is read.
    """
    name = codecs.lookup(encoding).name
    if name in ("utf-8", "utf-8-sig", "ascii"):
        return "utf-8"
    plain = bytes(range(128))
    is_ascii_superset = plain.decode(name, "replace") == plain.decode("ascii")
    is_single_byte = all(len(bytes([code]).decode(name, "replace")) == 1 for code in range(256))
    return name if is_ascii_superset and is_single_byte else "utf-8"


class ByteSource:
    """The text of a file as bytes in its record encoding, without a byte order mark.

    Args:
        stream: the unpacked file.
        path: what it is called in errors.
        encoding: how it is encoded.
    """

    def __init__(self, stream: BinaryIO, path: Path, encoding: str) -> None:
        self._stream = stream
        self.path = path
        name = codecs.lookup(encoding).name
        is_wide = record_encoding(encoding) == "utf-8" and name not in ("utf-8", "utf-8-sig")
        self._decoder = codecs.getincrementaldecoder(name)() if is_wide else None
        self._read_bytes = 0
        self._start = self._first()

    def _first(self) -> bytes:
        start = self._next(_PEEK_BYTES)
        for magic, what in _BINARY_STARTS.items():
            if start.startswith(magic):
                raise PipelineError(
                    f"this is {what}", where=name_of(self.path), mend="export it as CSV or JSON"
                )
        if start.startswith(_WIDE_BOMS):
            raise PipelineError(
                "this file is written in UTF-16 or UTF-32",
                where=name_of(self.path),
                mend='say encoding = "utf-16" in [file] of the mapping',
            )
        return start.removeprefix(_UTF8_BOM)

    def read(self, size: int) -> bytes:
        """The next bytes, at least one unless the file has ended; not exactly `size`.

        Raises:
            PipelineError: the file is truncated, damaged or not in its encoding.
        """
        if size == 0:
            return b""
        if self._start:
            start, self._start = self._start[:size], self._start[size:]
            return start
        return self._next(size)

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, or what there is, without taking them."""
        while len(self._start) < size and (part := self._next(size)):
            self._start += part
        return self._start[:size]

    def _next(self, size: int) -> bytes:
        while True:
            packed = self._read(size)
            if self._decoder is None or not packed:
                return packed or self._rest()
            if text := self._decode(packed, is_last=False):
                return text

    def _rest(self) -> bytes:
        return b"" if self._decoder is None else self._decode(b"", is_last=True)

    def _decode(self, packed: bytes, *, is_last: bool) -> bytes:
        assert self._decoder is not None  # noqa: S101 - for the type checker: callers know
        try:
            return self._decoder.decode(packed, is_last).encode()
        except UnicodeError as error:
            raise PipelineError(
                f"around byte {self._read_bytes} the file is not in its encoding: {error}",
                where=name_of(self.path),
                mend="say the right encoding in [file] of the mapping",
            ) from error

    def _read(self, size: int) -> bytes:
        try:
            packed = self._stream.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
            raise PipelineError(
                f"the packed file is truncated or damaged: {error}",
                where=name_of(self.path),
                mend="fetch it again",
            ) from error
        except OSError as error:
            raise _cannot_open(self.path, error) from error
        self._read_bytes += len(packed)
        return packed


@contextmanager
def opened(path: Path, encoding: str) -> Iterator[ByteSource]:
    """The file's text while the context lasts, unpacked if it is gzip or zip.

    Raises:
        PipelineError: it cannot be read, or it changed while it was read.
    """
    try:
        _refuse_streams(path)
        file = path.open("rb")
    except OSError as error:
        raise _cannot_open(path, error) from error
    with file:
        before = _state(file)
        with _unpacked(file, path) as stream:
            yield ByteSource(stream, path, encoding)
        if _state(file) != before:
            raise PipelineError(
                "the file changed while it was read",
                where=name_of(path),
                mend="load it again when it is complete",
            )


def _refuse_streams(path: Path) -> None:
    """Only what can be read again is read: records that contradict what is stored are, to be kept.

    Raises:
        PipelineError: the path leads to a pipe, a device or a socket.
        OSError: it leads nowhere, or may not be followed.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise PipelineError(
            "this is a pipe or a device, which cannot be read twice",
            where=name_of(path),
            mend="write it into a file, and load that; gzip and zip files are read as they are",
        )


def _state(file: BinaryIO) -> tuple[int, int]:
    """Size and time of the file."""
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def _cannot_open(path: Path, error: OSError) -> PipelineError:
    mends = {
        FileNotFoundError: "check the path",
        IsADirectoryError: f"name its files, for example {name_of(path)}/*.csv",
        PermissionError: "give yourself the right to read it",
    }
    mend = mends.get(type(error), "check the disk and the path")
    return PipelineError(
        f"cannot be read: {error.strerror or error}", where=name_of(path), mend=mend
    )


@contextmanager
def _unpacked(file: io.BufferedReader, path: Path) -> Iterator[BinaryIO]:
    try:
        start = file.peek(_PEEK_BYTES)
    except OSError as error:
        raise _cannot_open(path, error) from error
    if start.startswith(b"\x1f\x8b"):
        with gzip.GzipFile(fileobj=file) as stream:
            yield io.BufferedReader(stream)
    elif start.startswith(b"PK\x03\x04"):
        with _zip_archive(file, path) as archive, archive.open(_only_member(archive, path)) as part:
            yield cast("BinaryIO", part)
    else:
        yield file


def _zip_archive(file: BinaryIO, path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise PipelineError(
            f"the zip file is truncated or damaged: {error}",
            where=name_of(path),
            mend="fetch it again",
        ) from error


def _only_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir() and not member.filename.startswith("__MACOSX/")
    ]
    if any(member.filename == "[Content_Types].xml" for member in members):
        raise PipelineError(
            "this is an Office document", where=name_of(path), mend="save the sheet as CSV"
        )
    if len(members) != 1:
        raise PipelineError(
            f"the zip file holds {len(members)} files, not one",
            where=name_of(path),
            mend="unpack it and load its files",
        )
    if members[0].flag_bits & 0x1:
        raise PipelineError(
            "the zip file is encrypted", where=name_of(path), mend="unpack it with its password"
        )
    return members[0]
