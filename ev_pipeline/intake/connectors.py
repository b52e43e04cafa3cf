"""The connectors that a load's records name, numbered as they come.

What lives here: their numbers, by which overlaps are found faster than by names. What does not:
overlaps (`ev_pipeline.storage.overlaps`).
"""

from typing import Final

import polars as pl

from ev_pipeline.domain.prepared import AS_WRITTEN

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
        named = rows.lazy().select(_NAMES).drop_nulls().unique(maintain_order=True)
        new = named.join(self._known.lazy(), on=_NAMES, how="anti", maintain_order="left").collect(
            optimizations=AS_WRITTEN
        )
        n_known = self._known.height
        numbers = pl.Series("connector_number", range(n_known, n_known + new.height), pl.Int32)
        self._known.extend(new.insert_column(new.width, numbers))
        return rows.join(self._known, on=_NAMES, how="left", maintain_order="left")
