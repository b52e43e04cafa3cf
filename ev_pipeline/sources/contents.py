"""What a file holds, whether or not a mapping reads it.

What lives here: its columns, or the paths of its records, with their texts.
What does not: what the mapping makes of them (`decode`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from ev_pipeline.sources.csv_fields import field_pattern, split_fields
from ev_pipeline.sources.csv_records import CsvTable
from ev_pipeline.sources.files import record_encoding
from ev_pipeline.sources.json_paths import at, single_values
from ev_pipeline.sources.json_records import element_of_line
from ev_pipeline.sources.mapping import Mapping


@dataclass(frozen=True)
class CsvContents:
    """The columns of a CSV file's records.

    Args:
        raw: the records' bytes.
        header: the header's.
        mapping: how they are written.
    """

    raw: Sequence[bytes]
    header: bytes
    mapping: Mapping

    @cached_property
    def _columns(self) -> list[str]:
        return CsvTable(self.header, self.mapping, where="").names

    @cached_property
    def _rows(self) -> list[list[str]]:
        """The records that have as many values as the header has names."""
        encoding, pattern = record_encoding(self.mapping.file.encoding), field_pattern(self.mapping)
        split = (split_fields(line.decode(encoding, "replace"), pattern) for line in self.raw)
        return [row for row in split if row is not None and len(row) == len(self._columns)]

    @cached_property
    def names(self) -> list[str]:
        """The names of the columns, each once."""
        return [*dict.fromkeys(filter(None, self._columns))]

    def texts(self, name: str) -> pl.Series:
        """The texts of a column."""
        place = self._columns.index(name)
        return pl.Series(name, [row[place] for row in self._rows], dtype=pl.String)


@dataclass(frozen=True)
class JsonContents:
    """The values of JSON records by path.

    Args:
        raw: the records' bytes.
    """

    raw: Sequence[bytes]

    @cached_property
    def values(self) -> list[dict[str, object]]:
        """The records that are objects."""
        told = (element_of_line(record).value for record in self.raw)
        return [value for value in told if isinstance(value, dict)]

    @cached_property
    def _rows(self) -> list[dict[str, str | None]]:
        return [single_values(value) for value in self.values]

    @cached_property
    def names(self) -> list[str]:
        """The paths of single values, each once."""
        return [*dict.fromkeys(name for row in self._rows for name in row)]

    def texts(self, name: str) -> pl.Series:
        """The texts at a path."""
        return pl.Series(name, [row.get(name) for row in self._rows], dtype=pl.String)

    def inside(self, path: str) -> object:
        """What first stands at a path that is no single value; null where all are."""
        found = (at(value, path.split(".")) for value in self.values)
        return next((value for value in found if isinstance(value, dict | list)), None)


Contents = CsvContents | JsonContents
