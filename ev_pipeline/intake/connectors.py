"""The connectors that a load's records name, numbered as they come.

What lives here: their numbers, by which overlaps are found faster than by names. What does not:
overlaps (`ev_pipeline.storage.overlaps`).
"""

import polars as pl


class Connectors:
    """The connectors that were named so far."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}

    def numbers(self, stations: pl.Series, connectors: pl.Series) -> pl.Series:
        """The `connector_number` of each record, null where it names no connector."""
        # Not a query: to join a stream's few records takes longer than all of this.
        known = self._numbers
        named = zip(stations.to_list(), connectors.to_list(), strict=True)
        numbers = [
            None if connector is None else known.setdefault((station, connector), len(known))
            for station, connector in named
        ]
        return pl.Series("connector_number", numbers, dtype=pl.Int32)
