"""What came in so far, apart for each kind of record, as a person asks for it.

What lives here: sums over loads and stream. What does not: the ledger, which knows no kinds.
"""

import sqlalchemy as sa

from ev_pipeline.storage.ledger import Counts


def read_totals_by_kind(connection: sa.Connection) -> dict[str, Counts]:
    """What became of sessions, and of the stations and sites of registries; kinds that came."""
    rows = connection.execute(
        sa.text(
            """
            with came as (
                select case when records = 'session' then 'sessions' else 'stations' end as kind,
                    stored, updated, duplicate, quarantined
                from ev_load where undone_at is null
                union all
                select 'sessions', stored, updated, duplicate, quarantined
                from ev_ledger where door = 'stream'
            )
            select kind, sum(stored)::bigint, sum(updated)::bigint,
                sum(duplicate)::bigint, sum(quarantined)::bigint
            from came group by kind order by kind
            """
        )
    )
    return {row[0]: Counts(*row[1:]) for row in rows}
