"""What became of the records that a load staged, counted before it ends.

What lives here: counting the staging tables. What does not: filling them.
"""

from typing import Final

import sqlalchemy as sa

from ev_pipeline.storage.ledger import Counts
from ev_pipeline.storage.loads import Tally
from ev_pipeline.storage.sessions import OVERLAP

_SESSIONS: Final = sa.text("""
    select
        (select count(*) from incoming) - count(*) + count(*) filter (where decision = 'stored'),
        count(*) filter (where decision = 'updated'),
        count(*) filter (where decision = 'duplicate'),
        (select count(*) from refused)
    from decided
""")
"""A record that needed no decision is new."""

_REGISTRY: Final = sa.text("""
    select count(*) filter (where decision = 'stored'),
        count(*) filter (where decision = 'updated'),
        count(*) filter (where decision = 'duplicate'),
        (select count(*) from refused)
    from decided_registry
""")

_REASONS: Final = sa.text("""
    select code, count(*) from refused cross join unnest(codes) code group by code order by code
""")

_WARNINGS: Final = sa.text("""
    select code, count(*)
    from incoming i
    left join decided d using (ordinal)
    cross join unnest(i.warnings) code
    where d.decision is null or d.decision in ('stored', 'updated')
    group by code
    union all
    select :overlap, count(distinct ordinal) from overlapping join landing using (ordinal)
    having count(*) > 0
    order by 1
""")

_NOTES: Final = sa.text("""
    select code, count(*)
    from incoming i
    left join decided d using (ordinal)
    cross join unnest(i.notes) code
    where d.decision is null or d.decision in ('stored', 'updated')
    group by code order by code
""")

_DUPLICATES_OF: Final = sa.text("""
    select base_load, count(*) from decided
    where decision = 'duplicate' and base_revision is not null
    group by base_load
""")


def tally_sessions(connection: sa.Connection, unfinished: dict[int | None, int]) -> Tally:
    """What became of a load's sessions.

    Args:
        connection: the load's transaction.
        unfinished: unfinished records whose session is known, by the load that had stored it.
    """
    stored, updated, duplicate, quarantined = connection.execute(_SESSIONS).one()
    duplicates_of = dict(unfinished)
    for load_id, count in connection.execute(_DUPLICATES_OF):
        duplicates_of[load_id] = duplicates_of.get(load_id, 0) + count
    return Tally(
        counts=Counts(stored, updated, duplicate + sum(unfinished.values()), quarantined),
        reasons=_by_code(connection, _REASONS),
        warnings=_by_code(connection, _WARNINGS, overlap=OVERLAP),
        notes=_by_code(connection, _NOTES),
        duplicates_of={
            load_id: count for load_id, count in duplicates_of.items() if load_id is not None
        },
    )


def tally_registry(connection: sa.Connection) -> Tally:
    """What became of a registry's rows."""
    counts = Counts(*connection.execute(_REGISTRY).one())
    return Tally(counts=counts, reasons=_by_code(connection, _REASONS))


def _by_code(connection: sa.Connection, query: sa.TextClause, **names: str) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(query, names)}
