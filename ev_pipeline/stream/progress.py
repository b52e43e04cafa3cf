"""How far the stream has come: the ledger's sums and the change log's position.

What lives here: the document. What does not: who reads it (`automation`).
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ev_pipeline.panels.state_panels import StreamState
from ev_pipeline.settings import Settings
from ev_pipeline.storage.ledger import read_epoch, read_totals
from ev_pipeline.storage.panel_snapshot import open_snapshot


def progress_of(
    engine: sa.Engine, settings: Settings, stream: StreamState, generated_at: datetime
) -> dict[str, Any]:
    """The ledger's sums and the change log's position, of one moment.

    Args:
        engine: the database.
        settings: the reporting zone.
        stream: what the worker knows of itself.
        generated_at: the time that the document carries, with a zone.
    """
    with open_snapshot(engine, settings) as snapshot:
        return {
            "generated_at": generated_at,
            "epoch": read_epoch(snapshot.connection),
            "as_of": snapshot.as_of,
            **read_totals(snapshot.connection).as_columns(),
            **asdict(stream),
            "model_version": snapshot.model_version,
        }
