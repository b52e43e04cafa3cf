"""The first records of an unseen file, as columns of texts.

What lives here: opening it, its encoding, and what the forms of files have in common.
What does not: cutting CSV (`csv_sample`) and JSON (`json_sample`), what the columns mean.
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.draft.csv_sample import csv_rows
from ev_pipeline.sources.draft.json_sample import json_rows
from ev_pipeline.sources.file_format import Format
from ev_pipeline.sources.files import opened

_SAMPLE_BYTES: Final = 1 << 20
"""How much of the file is looked at: some thousand records tell day from month."""

MAX_COLUMNS: Final = 300
"""How many columns are looked at: each takes some milliseconds, and few exports have more."""

_UTF16_BOMS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_BOMS: Final = (codecs.BOM_UTF8, *_UTF16_BOMS)

_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")
"""Characters that no line of a text file has."""

_WRITTEN: Final = (
    "na n/a n.a. #n/a n/d n.d. s/d k.a. null (null) <null> none nan nil - -- --- ? \\n "
    "unknown unbekannt inconnu desconocido desconhecido sconosciuto onbekend "
    "nicht_bekannt not_available"
)

_MARKERS: Final = frozenset(_WRITTEN.split())
"""What sources write where they have no value: small letters; a blank is written `_`."""

_JSON: Final = re.compile(r"""\s*(?:\{|\[\s*[\[{\]"\d])""")
"""How a JSON document begins, and no header does."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column, or one path of a JSON record.

    Args:
        name: as the header, or the path, names it.
        texts: String, stripped; null where empty or a known marker of "no value".
        markers: those that occur.
    """

    name: str
    texts: pl.Series
    markers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """The first records of a file.

    Args:
        format: its form.
        encoding: of its text.
        has_byte_order_mark: whether it begins with one.
        delimiter: between a row's values; null for JSON.
        list_at: where a JSON document holds the list; null if it is the list, or for CSV.
        columns: those that have a name of their own, in the file's order.
        n_records: how many there are in the sample.
        n_columns: how many columns the file has; only the first ones are looked at.
        n_above: lines above the header.
        totals: how lines of totals begin.
    """

    format: Format
    encoding: str
    has_byte_order_mark: bool
    delimiter: str | None
    list_at: str | None
    columns: tuple[Column, ...]
    n_records: int
    n_columns: int
    n_above: int = 0
    totals: tuple[str, ...] = ()


def take_sample(path: Path) -> Sample:
    """The first records of the file.

    Raises:
        PipelineError: it cannot be read, is empty, or has neither header nor keys.
    """
    mark = _byte_order_mark(path)
    with opened(path, "utf-16" if mark in _UTF16_BOMS else "utf-8") as source:
        start = source.peek(_SAMPLE_BYTES)
    if not start.strip():
        raise PipelineError(
            "the file is empty", where=str(path), mend="export it again, with its header"
        )
    text, encoding = _decoded(start)
    if _CONTROL.search(text.partition("\n")[0]):
        raise PipelineError(
            "this is not a text file: its first line holds control characters",
            where=f"{path}, line 1",
            mend="export it as CSV or JSON",
        )
    is_whole = len(start) < _SAMPLE_BYTES
    form: Format = "csv"
    list_at, table = None, None
    if _JSON.match(text):
        form, list_at, names, rows = json_rows(text, where=str(path))
    else:
        table = csv_rows(text, is_whole=is_whole, where=str(path))
        names, rows = table.names, table.rows
    columns = tuple(_columns(names, rows))
    if not columns:
        raise PipelineError(
            "no column has a name of its own",
            where=f"{path}, line 1",
            mend="give the columns different names",
        )
    return Sample(
        format=form,
        encoding="utf-16" if mark in _UTF16_BOMS else encoding,
        has_byte_order_mark=mark is not None,
        delimiter=None if table is None else table.delimiter,
        list_at=list_at,
        columns=columns,
        n_records=len(rows),
        n_columns=len(names),
        n_above=table.n_above if table else 0,
        totals=table.totals if table else (),
    )


def _byte_order_mark(path: Path) -> bytes | None:
    """The mark at the beginning of a regular file; what cannot be opened is told later."""
    try:
        with path.open("rb") as file:
            start = file.read(max(map(len, _BOMS))) if path.is_file() else b""
    except OSError:
        return None
    return next((mark for mark in _BOMS if start.startswith(mark)), None)


def _decoded(start: bytes) -> tuple[str, str]:
    """The text and its encoding: UTF-8 if it is that, else what old programs write."""
    try:  # not final: the sample may end inside a character
        return codecs.getincrementaldecoder("utf-8")().decode(start), "utf-8"
    except UnicodeDecodeError:
        return start.decode("windows-1252", "replace"), "windows-1252"


def _columns(names: list[str], rows: list[list[str | None]]) -> list[Column]:
    """The columns whose name is theirs alone: only those can a mapping name."""
    columns = []
    counts = Counter(names)
    for index, name in enumerate(names[:MAX_COLUMNS]):
        if not name or counts[name] > 1:
            continue
        texts = pl.Series(name, [row[index] for row in rows], dtype=pl.String).str.strip_chars()
        markers = known_markers(texts.unique(maintain_order=True))
        is_there = ~texts.is_in(["", *markers])
        columns.append(Column(name, texts.zip_with(is_there, texts.clear(len(texts))), markers))
    return columns


def known_markers(texts: Iterable[str]) -> tuple[str, ...]:
    """Those of the texts that are known to stand for no value, in many languages."""
    found = {text for text in texts if text and text.casefold().replace(" ", "_") in _MARKERS}
    return tuple(sorted(found))
