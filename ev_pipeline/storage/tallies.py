"""What became of the records that a load staged, counted before it ends.

What lives here: counting the staging tables. What does not: filling them.
"""

from collections import Counter
from dataclasses import replace
from typing import Final

import sqlalchemy as sa

from ev_pipeline.storage.ledger import Counts, sum_of
from ev_pipeline.storage.loads import Tally
from ev_pipeline.storage.overlaps import OVERLAP
from ev_pipeline.storage.planned import planned

_SESSIONS: Final = planned("""
    select account,
        count(*) filter (where became = 'stored'), count(*) filter (where became = 'updated'),
        count(*) filter (where became = 'duplicate'),
        count(*) filter (where became = 'quarantined')
    from (
        select account, coalesce(decision, 'stored') as became
        from incoming left join decided using (ordinal)
        where decision is distinct from 'conflict'
        union all
        select account, 'duplicate' from finished
        union all
        select account, 'quarantined' from refused
    ) records
    group by account
""")
"""A record that needed no decision is new; one that contradicts what is stored is refused."""

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

_NOT_WRITTEN: Final = """
    select code, count(*)
    from incoming join decided d using (ordinal) cross join unnest({column}) code
    where not exists (
        select from landed l where l.session_id = d.session_id and l.ordinal = d.ordinal)
    group by code
"""
"""Also of records that a later one of the same file replaced: nobody finds them stored."""

_WARNINGS_NOT_WRITTEN: Final = sa.text(_NOT_WRITTEN.format(column="warnings"))
_NOTES_NOT_WRITTEN: Final = sa.text(_NOT_WRITTEN.format(column="notes"))

_OVERLAPPING: Final = sa.text("""
    select count(distinct ordinal)
    from overlapping left join decided using (ordinal) left join landed l using (ordinal)
    where decision is null or l.ordinal is not null
""")

_DUPLICATES_OF: Final = sa.text("""
    select met_load, count(*)
    from (
        select met_load from decided where decision = 'duplicate'
        union all
        select met_load from finished
    ) duplicates
    where met_load is not null
    group by met_load
""")


_ROWS_REPEATED: Final = sa.text("""
    select met_load, count(*) from decided_registry
    where decision = 'duplicate' and met_load is not null
    group by met_load
""")


def count_sessions(connection: sa.Connection) -> dict[str | None, Counts]:
    """What became of a load's sessions, by account; null where they name none."""
    return {row[0]: Counts(*row[1:]) for row in connection.execute(_SESSIONS)}


def tally_of(by_account: dict[str | None, Counts]) -> Tally:
    """The counts alone."""
    return Tally(
        counts=sum_of(by_account.values()),
        by_account={account: n for account, n in by_account.items() if account is not None},
    )


def tally_sessions(
    connection: sa.Connection,
    by_account: dict[str | None, Counts],
    *,
    warnings: Counter[str],
    notes: Counter[str],
    has_overlaps: bool,
) -> Tally:
    """What became of a load's sessions, and why.

    Args:
        connection: the load's transaction.
        by_account: what became of them.
        warnings: staged records by warning code.
        notes: staged records by note code.
        has_overlaps: whether any record overlaps another.
    """
    tally = tally_of(by_account)
    counts = tally.counts
    if has_overlaps:
        warnings = warnings + Counter({OVERLAP: connection.execute(_OVERLAPPING).scalar_one()})
    if counts.stored < counts.received:
        warnings = warnings - _by_code(connection, _WARNINGS_NOT_WRITTEN)
        notes = notes - _by_code(connection, _NOTES_NOT_WRITTEN)
    return replace(
        tally,
        reasons=dict(_by_code(connection, _REASONS)) if counts.quarantined else {},
        warnings=dict(sorted((+warnings).items())),
        notes=dict(sorted((+notes).items())),
        duplicates_of=_by_load(connection, _DUPLICATES_OF) if counts.duplicate else {},
    )


def tally_registry(connection: sa.Connection) -> Tally:
    """What became of a registry's rows."""
    return Tally(
        counts=Counts(*connection.execute(_REGISTRY).one()),
        reasons=dict(_by_code(connection, _REASONS)),
        duplicates_of=_by_load(connection, _ROWS_REPEATED),
    )


def _by_load(connection: sa.Connection, query: sa.TextClause) -> dict[int, int]:
    return {row[0]: row[1] for row in connection.execute(query)}


def _by_code(connection: sa.Connection, query: sa.TextClause) -> Counter[str]:
    return Counter({row[0]: row[1] for row in connection.execute(query)})
