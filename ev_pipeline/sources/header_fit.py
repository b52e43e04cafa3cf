"""Which shipped mapping a file's columns or keys belong to, where it is read by another one.

What lives here: the comparison of a header, or of a first record, with the shipped mappings.
What does not: where a mapping's columns stand in a header (`csv_records`).
"""

from collections.abc import Sequence
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.csv_fields import field_pattern, split_fields
from ev_pipeline.sources.mapping import Mapping, shipped_mappings

_TELLING_COLUMNS: Final = 3
"""Fewer columns in common happen by chance: many files have a `station_id`."""

_MAX_HEADER_CHARS: Final = 200
"""Characters of a header that an error quotes: enough to recognise it."""


def quoted(header: str) -> str:
    """The header on one line, cut to what an error quotes."""
    line = " ".join(header.split())
    return line if len(line) <= _MAX_HEADER_CHARS else f"{line[:_MAX_HEADER_CHARS]}…"


def best_fit(header: str) -> Mapping | None:
    """The shipped mapping that reads most of a CSV header's columns, of those that lack none."""
    return _best_of(_read_by_each(header))


def refuse_other_header(header: str, mapping: Mapping, where: str) -> None:
    """A shipped mapping reads no file of which another one reads the same columns and more.

    Else a file of sessions would pass for a registry, whose one column it has too.

    Args:
        header: the CSV file's header.
        mapping: what the file is to be read by; one that a person wrote may read what it likes.
        where: what the header's line is called in errors.

    Raises:
        PipelineError: another one reads more.
    """
    _refuse(_read_by_each(header), mapping, f"its header is {quoted(header)}", where)


def refuse_other_keys(keys: Sequence[str], mapping: Mapping, where: str) -> None:
    """The same for JSON records.

    Args:
        keys: those of the first record.
        mapping: what the file is to be read by.
        where: what the file is called in errors.

    Raises:
        PipelineError: another one reads more.
    """
    read_by = {
        each.name: _columns_read(keys, each)
        for each in shipped_mappings().values()
        if {"json", "jsonl"} & {*each.file.format}
    }
    _refuse(read_by, mapping, f"its first record has {quoted(', '.join(keys))}", where)


def _refuse(
    read_by: dict[str, frozenset[str]], mapping: Mapping, its_columns: str, where: str
) -> None:
    shipped = shipped_mappings().get(mapping.name)
    fitting = _best_of(read_by)
    if shipped is None or fitting is None or mapping.text != shipped.text:
        return
    if read_by[shipped.name] < read_by[fitting.name]:
        raise PipelineError(
            f"this is no file of {mapping.name}: {its_columns}",
            where=where,
            mend=f"load it by the mapping {fitting.name}",
        )


def _best_of(read_by: dict[str, frozenset[str]]) -> Mapping | None:
    name = max(read_by, key=lambda name: len(read_by[name]))
    return shipped_mappings()[name] if len(read_by[name]) >= _TELLING_COLUMNS else None


def _read_by_each(header: str) -> dict[str, frozenset[str]]:
    """What each shipped mapping of CSV files reads of the header, split as it says."""
    read_by = {}
    for mapping in shipped_mappings().values():
        if "csv" in mapping.file.format:
            names = split_fields(header, field_pattern(mapping)) or []
            read_by[mapping.name] = _columns_read([name.strip() for name in names], mapping)
    return read_by


def _columns_read(names: Sequence[str], mapping: Mapping) -> frozenset[str]:
    """The columns that the mapping reads; none where it lacks one that must be there."""
    used = mapping.for_columns([*names])
    there = frozenset(used.columns) & {*names}
    lacking = {*used.columns} - there - {*used.file.optional_columns}
    return frozenset() if lacking else there
