"""Which mapping reads a record, told by its keys.

What lives here: comparing keys with the shipped mappings, and what a row's sender may do that a
file's may not. What does not: parsing (`parsing`), what the values mean (`sources.decode`).
"""

from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Final

from ev_pipeline.sources.fields import NumberSource, TimeSource
from ev_pipeline.sources.json_records import Element
from ev_pipeline.sources.mapping import Mapping, load_mapping, shipped_mappings

CANONICAL: Final = "canonical"
"""The mapping of our own form, and of what has no other."""

_DERIVED: Final = "derived"
"""What a standard's reader adds to a record, so that no sender writes it."""

_MAX_KNOWN_SHAPES: Final = 1024
_MAX_KEY_CHARS: Final = 4096
"""Longer sets of keys are looked at each time, so that what is remembered stays small."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How records with the same keys are read.

    Args:
        mapping: what reads them.
        fault: why nothing does; empty if the mapping does.
        names: the column that a key stands for, for keys that are not written like it.
        numbers: columns of a row whose numbers may have either decimal sign.
    """

    mapping: Mapping
    fault: str = ""
    names: dict[str, str] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()

    def readable(self, element: Element) -> Element:
        """The element as its mapping reads it."""
        if element.fault:
            return element
        if self.fault:
            return replace(element, value=None, fault=self.fault)
        if not self.names and not self.numbers:
            return element
        value = {self.names.get(key, key): found for key, found in element.value.items()}
        decimal = self.mapping.file.decimal
        other = "," if decimal == "." else "."
        for column in self.numbers:
            text = value.get(column)
            if isinstance(text, str) and text.count(other) == 1 and decimal not in text:
                value[column] = text.replace(other, decimal)
        return replace(element, value=value)


def shape_of(keys: tuple[str, ...], bound_to: Mapping | None) -> Shape:
    """How a record with these keys is read.

    Args:
        keys: its keys, in order.
        bound_to: the mapping that its sender's account is bound to; told by the keys if null.
    """
    if bound_to is not None:
        return _bound(keys, bound_to)
    if sum(map(len, keys)) > _MAX_KEY_CHARS:
        return _told_apart(keys)
    return _remembered(keys)


def _bound(keys: tuple[str, ...], mapping: Mapping) -> Shape:
    if not _is_of_rows(mapping):
        return Shape(mapping)
    names = _column_names(keys)
    used = mapping.for_columns([names.get(key, key) for key in keys])
    return Shape(used, names=names, numbers=_numbers(used))


@lru_cache(maxsize=_MAX_KNOWN_SHAPES)
def _remembered(keys: tuple[str, ...]) -> Shape:
    return _told_apart(keys)


def _told_apart(keys: tuple[str, ...]) -> Shape:
    """The shipped mapping that knows most of the keys; a row needs all its columns."""
    names = _column_names(keys)
    present = frozenset(names.get(key, key) for key in keys) if names else frozenset(keys)
    best = max(_candidates(), key=lambda candidate: candidate.rank(present))
    if not best.known & present:
        return Shape(load_mapping(CANONICAL), "no known shape: none of its keys is known")
    lacking = sorted(best.needed - present)
    if lacking:
        fault = f"no known shape: nearest is {best.mapping.name}, but {lacking[0]!r} is not there"
        return Shape(load_mapping(CANONICAL), fault)
    return Shape(best.mapping, names=names, numbers=best.numbers)


class _Candidate:
    """A mapping that may read a record.

    Args:
        mapping: the mapping, or a variant of one.
    """

    def __init__(self, mapping: Mapping) -> None:
        is_of_rows = _is_of_rows(mapping)
        roots = {name if is_of_rows else name.split(".")[0] for name in mapping.columns}
        self.mapping: Final = mapping
        self.known: Final = frozenset(roots - {_DERIVED})
        self.needed: Final = (
            self.known - set(mapping.file.optional_columns) if is_of_rows else frozenset[str]()
        )
        self.numbers: Final = _numbers(mapping) if is_of_rows else ()
        self._is_canonical = mapping.name == CANONICAL

    def rank(self, present: frozenset[str]) -> tuple[int, bool, bool]:
        """The more keys it knows, the better; then whole, and our own form, before the others."""
        return len(self.known & present), self.needed <= present, self._is_canonical


@cache
def _candidates() -> tuple[_Candidate, ...]:
    mappings = [mapping for mapping in shipped_mappings().values() if mapping.records == "session"]
    variants = [variant.mapping for mapping in mappings for variant in mapping.variants]
    return tuple(_Candidate(mapping) for mapping in (*mappings, *variants))


def _is_of_rows(mapping: Mapping) -> bool:
    """Whether the source writes only CSV, so that a record in JSON is a row with column names."""
    return set(mapping.file.format) == {"csv"}


def _column_names(keys: tuple[str, ...]) -> dict[str, str]:
    """The columns that keys with a byte order mark or spaces around them stand for."""
    names = {key: key.removeprefix("\ufeff").strip() for key in keys}
    if len(set(names.values())) < len(keys):
        return {}
    return {key: name for key, name in names.items() if key != name}


def _numbers(mapping: Mapping) -> tuple[str, ...]:
    """The columns that hold plain numbers."""
    columns: list[str] = []
    for source in (*mapping.sources.values(), *mapping.hints.values()):
        if isinstance(source, NumberSource) and not source.format and source.until is None:
            columns += source.inputs
        elif isinstance(source, TimeSource) and source.duration_column and not source.format:
            columns.append(source.duration_column)
    return tuple(columns)
