"""Which rows that are about to be written overlap another session on their connector.

What lives here: the warning `overlaps_same_connector`, which needs neighbours. What does not: all
other rules (`ev_pipeline.domain.rules`).
"""

from datetime import timedelta
from typing import Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.storage.bulk import copy_frame
from ev_pipeline.storage.staging import know_sizes

_WITHIN_FILE: Final = sa.text("""
    insert into overlapping
    select ordinal
    from (
        select i.ordinal, i.started_at, i.ended_at,
            max(i.ended_at) over (
                partition by i.station_id collate "C", i.connector_id collate "C"
                order by i.started_at, i.ended_at, i.session_id
                rows between unbounded preceding and 1 preceding
            ) as busy_until
        from landing join incoming i using (ordinal)
        where i.connector_id is not null
    ) in_order
    where busy_until - started_at > :grace and ended_at - started_at > :grace
""")
"""In order of start, end and id the later of two is flagged; both are among the accepted."""

SPAN_SCHEMA: Final = {
    "station_id": pl.String(),
    "connector_id": pl.String(),
    "first_at": pl.Datetime("us", "UTC"),
    "last_at": pl.Datetime("us", "UTC"),
}
"""From when to when a file has sessions on a connector."""

_FIND_BUSY: Final = sa.text("""
    insert into neighboured
    with busy as materialized (
        select station_id, connector_id
        from span p
        where exists (
            select from ev_session q
            where q.scope = :scope and q.station_id = p.station_id
                and q.connector_id = p.connector_id and q.started_at < p.last_at
                and q.started_at >= p.first_at - interval '48 hours')
        or exists (
            select from ev_session q
            where q.scope = :scope and q.station_id = p.station_id
                and q.connector_id = p.connector_id and q.started_at < p.last_at
                and q.ended_at - q.started_at > interval '48 hours' and q.ended_at > p.first_at)
    )
    select ordinal, i.station_id, i.connector_id, i.started_at, i.ended_at
    from busy join incoming i using (station_id, connector_id) join landing using (ordinal)
""")
"""Connectors without stored sessions in the file's time are passed over."""

_WITH_STORED: Final = sa.text("""
    insert into overlapping
    select i.ordinal
    from neighboured i
    where exists (
        select from ev_session q
        where q.scope = :scope and q.station_id = i.station_id
            and q.connector_id = i.connector_id
            and q.started_at >= i.started_at - interval '48 hours'
            and q.started_at < i.ended_at
            and least(q.ended_at, i.ended_at) - greatest(q.started_at, i.started_at) > :grace
            and q.session_id not in (
                select session_id from landing where base_revision is not null))
    or exists (
        select from ev_session q
        where q.scope = :scope and q.station_id = i.station_id
            and q.connector_id = i.connector_id
            and q.ended_at - q.started_at > interval '48 hours'
            and q.started_at < i.ended_at
            and least(q.ended_at, i.ended_at) - greatest(q.started_at, i.started_at) > :grace
            and q.session_id not in (
                select session_id from landing where base_revision is not null))
""")
"""Sessions of up to 48 h are found by their start, longer ones in an index of their own, so that a
top-up looks only at the neighbourhood of its rows. A stored revision that is about to be replaced
does not count."""


def find_overlaps(
    connection: sa.Connection, spans: pl.DataFrame, *, scope: str, resolution_s: float
) -> None:
    """`overlapping` holds the rows of `landing` that share time with another session.

    Args:
        connection: the load's transaction.
        spans: the file's time on each connector, as `SPAN_SCHEMA`; a wider one does no harm.
        scope: the operator.
        resolution_s: an overlap of up to the source's time resolution is none, s.
    """
    grace = timedelta(seconds=resolution_s)
    connection.execute(_WITHIN_FILE, {"grace": grace})
    copy_frame(connection, "span", spans)
    know_sizes(connection, "span")
    connection.execute(_FIND_BUSY, {"scope": scope})
    know_sizes(connection, "neighboured")
    connection.execute(_WITH_STORED, {"grace": grace, "scope": scope})
    know_sizes(connection, "overlapping")
