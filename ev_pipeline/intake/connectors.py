"""The connectors that a load's records name, numbered as they come.

What lives here: their numbers, by which overlaps are found faster than by names. What does not:
overlaps (`ev_pipeline.storage.overlaps`).
"""

from typing import Final

import polars as pl

_NAMES: Final = ("station_id", "connector_id")
_SCHEMA: Final = {
    "station_id": pl.String(),
    "connector_id": pl.String(),
    "connector_number": pl.Int32(),
}


class Connectors:
    """The connectors that were named so far."""

    def __init__(self) -> None:
        self._known = pl.DataFrame(schema=_SCHEMA)

    def numbered(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with their `connector_number`, null where they name no connector."""
        named = rows.select(_NAMES).drop_nulls().unique(maintain_order=True)
        new = named
        if not self._known.is_empty():
            new = named.join(self._known, on=_NAMES, how="anti", maintain_order="left")
        numbers = pl.int_range(len(self._known), len(self._known) + len(new), eager=True)
        self._known.extend(new.with_columns(numbers.cast(pl.Int32).alias("connector_number")))
        return rows.join(self._known, on=_NAMES, how="left", maintain_order="left")
