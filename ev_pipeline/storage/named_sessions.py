"""Stored sessions by the names that people know.

What lives here: which sessions an id means, ours or a source's own. What does not: reading them
(`instant_labels`), and how an id is made (`domain.identity`).
"""

from typing import Final
from uuid import UUID

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.identity import session_ids

_SCOPES: Final = sa.text("select distinct scope from ev_station")
"""Every session's station has a row."""

_STORED: Final = sa.text("""
    select session_id::text, source_session_id from ev_session
    where session_id = any(cast(:session_ids as uuid[]))
""")


def find_sessions(connection: sa.Connection, name: str) -> dict[str, str | None]:
    """The stored sessions that the name means: several where operators give the same ids.

    Args:
        connection: the database.
        name: our id, or the id that a session's source has given it.

    Returns:
        By our id the source's own, null where it has none.
    """
    ids = [_by_source(scope, name) for scope in connection.execute(_SCOPES).scalars()]
    rows = connection.execute(_STORED, {"session_ids": [*ids, *_as_ours(name)]})
    return {str(session_id): source_session_id for session_id, source_session_id in rows}


def _by_source(scope: str, name: str) -> str:
    """The id of the operator's session that its source calls so."""
    frame = pl.DataFrame(
        {"source_session_id": name, "station_id": None, "connector_id": None},
        schema_overrides={"station_id": pl.String, "connector_id": pl.String},
    ).with_columns(
        started_at=pl.lit(None, dtype=pl.Datetime("us", "UTC")),
        ended_at=pl.lit(None, dtype=pl.Datetime("us", "UTC")),
    )
    return str(session_ids(frame, scope=scope, key_has_end=False).item())


def _as_ours(name: str) -> list[str]:
    try:
        return [str(UUID(name))]
    except ValueError:
        return []
