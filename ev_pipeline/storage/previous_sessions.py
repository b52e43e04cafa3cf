"""The stored session before each of some on the same connector, where a stream brought it.

What lives here: one query. What does not: what it says of a charger's clock (`intake.clocks`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from ev_pipeline.storage.planned import planned

_BEFORE: Final = """
    (select q.door, q.received_at, q.ended_at from ev_session q
    where q.scope = :scope and q.station_id = i.station_id and {connector}
        and q.started_at < i.started_at
    order by q.started_at desc limit 1)
"""
"""Each half reads one entry of the index by station, connector and start."""

_PREVIOUS: Final = planned(f"""
    select i.place, p.received_at, p.ended_at
    from unnest(
        cast(:stations as text[]), cast(:connectors as text[]), cast(:starts as timestamptz[])
    ) with ordinality as i (station_id, connector_id, started_at, place)
    cross join lateral (
        {_BEFORE.format(connector="q.connector_id = i.connector_id")}
        union all
        {_BEFORE.format(connector="q.connector_id is null and i.connector_id is null")}
    ) p
    where p.door = :door
""")  # noqa: S608 -- constant fragments


def previous_sessions(
    connection: sa.Connection,
    starts: Sequence[tuple[str, str | None, datetime]],
    *,
    scope: str,
    door: str,
) -> dict[int, tuple[datetime, datetime]]:
    """Receipt and end of the session that started last before each of these, if any.

    Args:
        connection: the transaction.
        starts: station, connector (null where there is none) and plug-in, UTC.
        scope: the operator.
        door: the door by which it must have come.

    Returns:
        By place in `starts`; a place has none where no session came before, or by another door.
    """
    stations, connectors, moments = (list(each) for each in zip(*starts, strict=True))
    asked: dict[str, Any] = {
        "stations": stations,
        "connectors": connectors,
        "starts": moments,
        "scope": scope,
        "door": door,
    }
    found = connection.execute(_PREVIOUS, asked)
    return {place - 1: (received_at, ended_at) for place, received_at, ended_at in found}
