"""The schema as a whole: what migrations are checked against, and what a test empties.

What lives here: the metadata, once every module of tables has joined it. What does not: the tables.
"""

from typing import Final

from ev_pipeline.storage.tables import (  # noqa: F401 -- their tables join the metadata so
    changes,
    erasures,
    features,
    ledger,
    models,
    quarantine,
    rollups,
    sessions,
    stations,
)
from ev_pipeline.storage.tables.columns import metadata

SCHEMA: Final = metadata
