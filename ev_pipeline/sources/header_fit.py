"""Which shipped mapping a CSV file's header belongs to, where it is read by another one.

What lives here: the comparison of a header with the shipped mappings.
What does not: where a mapping's columns stand in a header (`csv_records`).
"""

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
    """The shipped mapping that reads most of the header's columns, of those that lack none."""
    read_by = {mapping.name: _columns_read(header, mapping) for mapping in _csv_mappings()}
    name = max(read_by, key=lambda name: len(read_by[name]))
    return shipped_mappings()[name] if len(read_by[name]) >= _TELLING_COLUMNS else None


def refuse_misfit(header: str, mapping: Mapping, where: str) -> None:
    """A shipped mapping reads no file of which another one reads the same columns and more.

    Else a file of sessions would pass for a registry, whose one column it has too.

    Args:
        header: the file's header.
        mapping: what the file is to be read by; one that a person wrote may read what it likes.
        where: what the file is called in errors.

    Raises:
        PipelineError: another one reads more.
    """
    shipped = shipped_mappings().get(mapping.name)
    fitting = best_fit(header)
    if shipped is None or fitting is None or mapping.text != shipped.text:
        return
    if _columns_read(header, shipped) < _columns_read(header, fitting):
        raise PipelineError(
            f"this is no file of {mapping.name}: its header is {quoted(header)}",
            where=f"{where}, line 1",
            mend=f"load it by the mapping {fitting.name}",
        )


def _csv_mappings() -> list[Mapping]:
    return [mapping for mapping in shipped_mappings().values() if "csv" in mapping.file.format]


def _columns_read(header: str, mapping: Mapping) -> frozenset[str]:
    """The header's columns that the mapping reads; none where it lacks one that must be there."""
    names = split_fields(header, field_pattern(mapping)) or []
    used = mapping.for_columns([name.strip() for name in names])
    there = frozenset(used.columns) & {name.strip() for name in names}
    lacking = {*used.columns} - there - {*used.file.optional_columns}
    return frozenset() if lacking else there
