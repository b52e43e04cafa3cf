"""Checks of group records: nothing lost, nothing doubled, not too much refused.

What lives here: what is counted and what counts as wrong.
What does not: the rules of validation (`domain`), the constraints of tables (`storage.tables`).
"""

from datetime import UTC, datetime
from typing import Any, Final

import dagster as dg
import sqlalchemy as sa

from ev_pipeline.assets.records import ev_session
from ev_pipeline.checks.counting import count_row
from ev_pipeline.resources import Database
from ev_pipeline.settings import Settings

_LEDGER: Final = """
    with standing as (select * from ev_load where undone_at is null)
    select
        (select count(*) from ev_ledger
            where received <> stored + updated + duplicate + quarantined) as wrong_rows,
        (select coalesce(sum(received), 0)::bigint from ev_ledger where door <> 'stream')
            as received_by_ledger,
        (select coalesce(sum(received), 0)::bigint from standing) as received_by_loads,
        (select coalesce(sum(stored), 0)::bigint from standing where records = 'session')
            + (select coalesce(sum(stored), 0)::bigint from ev_ledger where door = 'stream')
            as sessions_by_ledger,
        (select count(*) from ev_session) as sessions_stored
"""
_DUPLICATES: Final = """
    select count(*) as duplicated_source_ids from (
        select from ev_session where source_session_id is not null
        group by scope, source_session_id having count(*) > 1
    ) d
"""
JUDGED_DAYS: Final = 7
"""A bad delivery is warned of for a week; older ones somebody has seen, or will not mend."""

_DELIVERIES: Final = """
    with delivery as (
        select source, format('load %s', load_id) as name, received, quarantined from ev_load
        where undone_at is null and door = 'file'
            and finished_at > :now - make_interval(days => :days)
        union all
        select source, format('stream on %s', day), received, quarantined from ev_ledger
        where door = 'stream' and day > cast(:now - make_interval(days => :days) as date)
    )
    select name, source, received, quarantined,
        quarantined::float8 / received as share
    from delivery where received > 0
    order by share desc, received desc, name limit 1
"""
"""The worst delivery of late. Replays are left out: they are of what was refused already."""

_ALL_TIME: Final = """
    select coalesce(sum(received), 0)::bigint as received,
        coalesce(sum(quarantined), 0)::bigint as quarantined
    from ev_ledger
"""


@dg.asset_check(asset=ev_session)
def ledger_adds_up(database: Database) -> dg.AssetCheckResult:
    """Every record that came is counted once, and as many sessions are stored as were counted.

    An error, because sessions were lost or doubled; it does not block, because features of what is
    there are still right, and people look at the ledger first.
    """
    with database.engine() as engine:
        counts = count_row(engine, _LEDGER)
    return dg.AssetCheckResult(
        passed=counts["wrong_rows"] == 0
        and counts["received_by_ledger"] == counts["received_by_loads"]
        and counts["sessions_by_ledger"] == counts["sessions_stored"],
        metadata=counts,
    )


@dg.asset_check(asset=ev_session)
def no_duplicate_ids(database: Database) -> dg.AssetCheckResult:
    """No source's own session id is stored twice within its operator.

    An error that does not block: a handful of doubled sessions shifts no model.
    """
    with database.engine() as engine:
        counts = count_row(engine, _DUPLICATES)
    return dg.AssetCheckResult(passed=counts["duplicated_source_ids"] == 0, metadata=counts)


@dg.asset_check(asset=ev_session)
def quarantined_share(
    database: Database, settings: dg.ResourceParam[Settings]
) -> dg.AssetCheckResult:
    """No file of the last seven days, and no day of the stream, had too great a share refused.

    A warning: what was refused is kept, and a source may simply be bad. Each delivery is judged by
    itself, because a bad new file is little beside all that ever came.
    """
    with database.engine() as engine:
        worst = worst_delivery(engine, datetime.now(UTC))
        ever = count_row(engine, _ALL_TIME)
    share = worst["share"] if worst else 0.0
    return dg.AssetCheckResult(
        passed=share <= settings.max_quarantined_share,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "judged": f"the worst delivery of the last {JUDGED_DAYS} days",
            **{
                name: worst[name] for name in ("name", "source", "received", "quarantined") if worst
            },
            "share": share,
            "limit": settings.max_quarantined_share,
            "received_ever": ever["received"],
            "quarantined_ever": ever["quarantined"],
        },
    )


def worst_delivery(engine: sa.Engine, now: datetime) -> dict[str, Any]:
    """The delivery of the `JUDGED_DAYS` before `now` with the greatest share refused.

    Returns:
        name, source, received, quarantined and share; empty where nothing was delivered.
    """
    with engine.connect() as connection:
        row = connection.execute(sa.text(_DELIVERIES), {"now": now, "days": JUDGED_DAYS})
        found = row.mappings().one_or_none()
    return {} if found is None else dict(found)
