"""How the first records of a file are read, for the person who writes the mapping.

What lives here: what each field came from, what would come of each record, and the sums.
What does not: the wording (`because`), the rules (`verdicts`), printing (`cli`).
"""

from collections.abc import Mapping as Dict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ev_pipeline.settings import Settings
from ev_pipeline.sources.advice import absent_from, advice, refuse_wrong_paths
from ev_pipeline.sources.because import because, origin_of, text_of
from ev_pipeline.sources.canonical_schema import fields_of
from ev_pipeline.sources.contents import Contents, CsvContents, JsonContents
from ev_pipeline.sources.fields import Source
from ev_pipeline.sources.files import record_encoding
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline.sources.neighbours import Repeated, repeated
from ev_pipeline.sources.reader import raw_texts, read_batches
from ev_pipeline.sources.skipping import SkippedLines
from ev_pipeline.sources.verdicts import Finding, sound_records, verdicts

_FIRST_BYTES: Final = 1 << 18
"""How much of the file is looked at: some thousand records."""


@dataclass(frozen=True, slots=True)
class FieldReading:
    """How one field of one record was read.

    Args:
        value: what it became; null where there is nothing, or nothing that could be read.
        origin: the columns it came from, or what else gave it.
        text: what stood there; null where nothing did.
        why: all of it for people: columns, text and rule.
    """

    value: Any
    origin: str
    text: str | None
    why: str


@dataclass(frozen=True, slots=True)
class RecordReading:
    """How one record was read, and what would come of it.

    Args:
        line: where it stands in the file, counted from 1: its line, or its place in a list.
        raw: its text.
        fields: how each field was read that the mapping states; none where the record could not
            be understood.
        findings: what is wrong with it, or to be said of it.
    """

    line: int
    raw: str
    fields: dict[str, FieldReading]
    findings: list[Finding]


@dataclass(frozen=True, slots=True)
class FileReading:
    """How the first records of a file are read.

    Args:
        records: those that are shown.
        lines: of every record that was looked at, where it stands.
        findings: of every record that was looked at, what is to be said of it.
        repeated: records that would be stored and have the identity of an earlier one.
        absent: columns that the mapping names and the file lacks.
        not_read: columns or keys that the file has and the mapping does not name.
        never_filled: fields that no record gives a value.
        advice: what else is to be said of the mapping, a sentence each.
        counted_in: whether `line` counts lines, or elements of a list.
        skipped: lines among them that are no records.
    """

    records: list[RecordReading]
    lines: list[int]
    findings: list[list[Finding]]
    repeated: Repeated
    absent: list[str]
    not_read: list[str]
    never_filled: list[str]
    advice: list[str]
    counted_in: str
    skipped: SkippedLines


def explain(
    path: Path, mapping: Mapping, *, settings: Settings, n_records: int, received_at: datetime
) -> FileReading:
    """How the file begins: its first `n_records` one by one, and the sums over some thousand.

    Raises:
        PipelineError: the file cannot be read.
    """
    skipped = SkippedLines()
    batches = read_batches(
        path, mapping, received_at=received_at, batch_bytes=_FIRST_BYTES, skipped=skipped
    )
    batch = next(batches, None)
    if batch is None:
        return FileReading([], [], [], Repeated(), [], [], [], [], "line", skipped)
    frame = batch.frame
    raw = [batch.raw(row) for row in range(frame.height)]
    texts, used = raw_texts(raw[:n_records], mapping, batch.header)
    contents = _contents(raw, used, batch.header)
    if isinstance(contents, JsonContents):
        refuse_wrong_paths(contents, used, str(path))
    sources = _stated(used)
    findings = verdicts(frame, used, settings, received_at)
    encoding = "utf-8" if batch.header is None else record_encoding(used.file.encoding)
    rows = zip(frame.iter_rows(named=True), texts.texts.iter_rows(named=True), strict=False)
    records = [
        RecordReading(
            line=values["line"],
            raw=raw[row].decode(encoding, "replace"),
            fields={} if row in texts.malformed else _fields(sources, values, there, used),
            findings=findings[row],
        )
        for row, (values, there) in enumerate(rows)
    ]
    return FileReading(
        records=records,
        lines=frame["line"].to_list(),
        findings=findings,
        repeated=repeated(sound_records(frame, findings), used),
        absent=absent_from(contents, used),
        not_read=[name for name in contents.names if name not in used.columns],
        never_filled=[name for name in sources if frame[name].null_count() == frame.height],
        advice=[*advice(contents, mapping, used, settings)],
        counted_in=batch.counted_in,
        skipped=skipped,
    )


def _contents(raw: list[bytes], mapping: Mapping, header: bytes | None) -> Contents:
    return JsonContents(raw) if header is None else CsvContents(raw, header, mapping)


def _stated(mapping: Mapping) -> dict[str, Source]:
    """The sources that the mapping states, by the frame's column, in the order of the language."""
    hints = {
        "zone" if field == "time_zone" else f"station_{field}": source
        for field, source in mapping.hints.items()
    }
    sources = mapping.sources | hints
    order = [spec.name for spec in fields_of(mapping)]
    names = sorted(sources, key=lambda name: order.index(name) if name in order else len(order))
    return {name: sources[name] for name in names}


def _fields(
    sources: Dict[str, Source], values: Dict[str, Any], texts: Dict[str, str | None], used: Mapping
) -> dict[str, FieldReading]:
    has_start = values.get("started_at") is not None
    return {
        name: FieldReading(
            value=values[name],
            origin=origin_of(source, texts),
            text=text_of(source, texts),
            why=because(source, texts, values[name], used, has_start=has_start),
        )
        for name, source in sources.items()
    }
