"""Sessions around others on their connectors, staged or stored.

What lives here: looking neighbours up. What does not: what they decide (`domain.localtime`).
"""

from typing import Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.storage.bulk import copy_frame

_SPAN_SCHEMA: Final = {
    "session_id": pl.String(),
    "station_id": pl.String(),
    "connector_id": pl.String(),
    "started_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
}

_NEIGHBOURS: Final = sa.text("""
    select i.session_id::text, i.station_id, i.connector_id, i.started_at, i.ended_at
    from incoming i join place p using (station_id, connector_id)
    where i.started_at < p.last_at and i.ended_at > p.first_at
    union
    select s.session_id::text, s.station_id, s.connector_id, s.started_at, s.ended_at
    from ev_session s join place p using (station_id, connector_id)
    where s.scope = :scope and s.started_at < p.last_at and s.ended_at > p.first_at
        and s.started_at >= p.first_at - interval '48 hours'
    union
    select s.session_id::text, s.station_id, s.connector_id, s.started_at, s.ended_at
    from ev_session s join place p using (station_id, connector_id)
    where s.scope = :scope and s.started_at < p.last_at and s.ended_at > p.first_at
        and s.ended_at - s.started_at > interval '48 hours'
""")


def neighbours_of(connection: sa.Connection, sessions: pl.DataFrame, *, scope: str) -> pl.DataFrame:
    """Staged and stored sessions on the same connectors at the time of these."""
    spans = sessions.select(
        "station_id",
        "connector_id",
        first_at=pl.min_horizontal("started_at", "ended_at"),
        last_at=pl.max_horizontal("started_at", "ended_at"),
    )
    places = (
        spans.drop_nulls()
        .group_by("station_id", "connector_id")
        .agg(pl.col("first_at").min(), pl.col("last_at").max())
    )
    copy_frame(connection, "place", places)
    connection.execute(sa.text("analyze place, incoming (station_id, connector_id)"))
    return _spans(connection.execute(_NEIGHBOURS, {"scope": scope}))


def stored_sessions(connection: sa.Connection, session_ids: list[str]) -> pl.DataFrame:
    """What is stored under these ids, as `session_id`, place and times."""
    return _spans(
        connection.execute(
            sa.text(
                """
                select session_id::text, station_id, connector_id, started_at, ended_at
                from ev_session where session_id = any(cast(:session_ids as uuid[]))
                """
            ),
            {"session_ids": session_ids},
        )
    )


def _spans(rows: sa.CursorResult[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame([tuple(row) for row in rows], schema=_SPAN_SCHEMA, orient="row")
