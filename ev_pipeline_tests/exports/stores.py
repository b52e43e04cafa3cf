"""A database with sessions of every kind, its exports, and their way back.

What lives here: loading, exporting in memory, and what a session is. What does not: the checks.
"""

from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from ev_pipeline.exports.cdr_file import write_cdrs
from ev_pipeline.exports.tables import Table, write_table
from ev_pipeline.intake.load import load_file
from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline.storage.outgoing import Wanted, outgoing_sessions, outgoing_with_stations
from ev_pipeline_tests.intake.files import rows
from ev_pipeline_tests.intake.loader import counts

BILLED: Final = (
    "station_id, connector_id, user_id, started_at, ended_at, charging_duration_h, energy_kwh,"
    " max_power_kw, cost, currency, updated_at"
)
"""What a CDR tells of a session."""


def load(engine: sa.Engine, settings: Settings, source: str, path: Path) -> dict[str, int]:
    """What became of a file's records, without the zeros."""
    return counts(load_file(engine, settings, load_mapping(source), path))


def export_csv(engine: sa.Engine, path: Path, wanted: Wanted | None = None) -> int:
    """Write the sessions as CSV; returns how many."""
    file = BytesIO()
    number = write_table(outgoing_sessions(engine, wanted or Wanted()), file, Table.CSV)
    path.write_bytes(file.getvalue())
    return number


def export_cdrs(
    engine: sa.Engine, settings: Settings, path: Path
) -> tuple[int, Counter[tuple[str, str]]]:
    """Write the sessions as CDRs; returns how many, and how many not."""
    file = BytesIO()
    number, refused = write_cdrs(outgoing_with_stations(engine, Wanted()), file, settings)
    path.write_bytes(file.getvalue())
    return number, refused


def identities(engine: sa.Engine, condition: str = "true") -> list[Any]:
    """Who the stored sessions are, and what they say as far as a CDR tells it."""
    return rows(
        engine,
        f"select session_id, source_session_id, {BILLED} from ev_session"
        f" where {condition} order by session_id",
    )
