"""Which rows that are about to be written overlap another session on their connector.

What lives here: the warning `overlaps_same_connector`, which needs neighbours. What does not: all
other rules (`ev_pipeline.domain.rules`).
"""

from datetime import timedelta
from typing import Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.storage.planned import later, planned
from ev_pipeline.storage.staging import know_sizes

OVERLAP: Final = "overlaps_same_connector"

_WITHIN_FILE: Final = planned("""
    insert into overlapping
    select ordinal
    from (
        select ordinal, started_at, ended_at,
            max(ended_at) over (
                partition by connector_number order by started_at, ended_at, session_id
                rows between unbounded preceding and 1 preceding
            ) as busy_until
        from landing
        where connector_number is not null
    ) in_order
    where busy_until - started_at > :grace and ended_at - started_at > :grace
""")
"""In order of start, end and id the later of two is flagged; both are among the accepted."""

_ON_CONNECTOR: Final = """
    from ev_session q
    where q.scope = :scope and q.station_id = {row}.station_id
        and q.connector_id = {row}.connector_id
"""

_IS_LONG: Final = "q.ended_at - q.started_at > interval '48 hours'"

_SHARES_TIME: Final = """
    q.started_at < i.ended_at
    and least(q.ended_at, i.ended_at) - greatest(q.started_at, i.started_at) > :grace
    and q.session_id not in (select session_id from landed where base_revision is not null)
"""

_FIND_BUSY: Final = planned(f"""
    insert into busy
    select connector_number, station_id, connector_id, min(stored.started_at),
        max(stored.ended_at)
    from (
        select connector_number, min(station_id) as station_id, min(connector_id) as connector_id,
            min(started_at) as first_at, max(ended_at) as last_at
        from incoming where connector_number is not null
        group by connector_number
    ) p
    cross join lateral (
        select q.started_at, q.ended_at
        {_ON_CONNECTOR.format(row="p")} and q.started_at < p.last_at
            and q.started_at >= p.first_at - interval '48 hours'
        union all
        select q.started_at, q.ended_at
        {_ON_CONNECTOR.format(row="p")} and q.started_at < p.last_at
            and {_IS_LONG} and q.ended_at > p.first_at
    ) stored
    group by connector_number, station_id, connector_id
""")  # noqa: S608 -- constant fragments
"""Connectors without stored sessions in the file's time are passed over, and so is later what lies
outside the time of these: most files bring what comes after all that is stored."""

_WITH_STORED: Final = planned(f"""
    insert into overlapping
    select ordinal
    from (
        select l.ordinal, b.station_id, b.connector_id, l.started_at, l.ended_at
        from landing l join busy b using (connector_number)
        where l.started_at < b.busy_until and l.ended_at > b.busy_from
    ) i
    where exists (
        select {_ON_CONNECTOR.format(row="i")} and {_SHARES_TIME}
            and q.started_at >= i.started_at - interval '48 hours')
    or exists (
        select {_ON_CONNECTOR.format(row="i")} and {_SHARES_TIME} and {_IS_LONG})
""")  # noqa: S608 -- constant fragments
"""Sessions of up to 48 h are found by their start, longer ones in an index of their own, so that a
top-up looks only at the neighbourhood of its rows. A stored revision that is about to be replaced
does not count."""


_OVERLAPPING: Final = planned("select distinct ordinal from overlapping")


def find_overlaps(
    connection: sa.Connection, *, n_incoming: int, scope: str, resolution_s: float
) -> None:
    """`overlapping` holds the rows of `landing` that share time with another session.

    Args:
        connection: the load's transaction.
        n_incoming: how many records there are.
        scope: the operator.
        resolution_s: an overlap of up to the source's time resolution is none, s.
    """
    grace = timedelta(seconds=resolution_s)
    if n_incoming > 1:
        later(connection, _WITHIN_FILE, grace=grace)
    later(connection, _FIND_BUSY, scope=scope)
    know_sizes(connection, n_incoming, "busy")
    later(connection, _WITH_STORED, grace=grace, scope=scope)
    know_sizes(connection, n_incoming, "overlapping")


def with_overlaps(connection: sa.Connection, incoming: pl.DataFrame) -> pl.DataFrame:
    """The records of `incoming` with the warning among their own where they overlap.

    Args:
        connection: the load's transaction, in which overlaps were found.
        incoming: all of them, with `ordinal` and `warnings`.
    """
    overlapping = connection.execute(_OVERLAPPING).scalars().all()
    does_overlap = incoming["ordinal"].is_in(overlapping)
    warning = pl.Series([[OVERLAP]]).new_from_index(0, incoming.height)
    warned = incoming["warnings"].list.concat(warning)
    return incoming.with_columns(warned.zip_with(does_overlap, incoming["warnings"]))
