"""What has been kept long enough goes: raw bytes, quarantine, and who charged.

What lives here: what goes when. What does not: records that are old already when they come
(`user_ids`). Counts of the ledger stay: they say what came, not what is kept.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from ev_pipeline.intake.forget import label_again
from ev_pipeline.settings import Settings
from ev_pipeline.storage.artifacts import rename_users, user_keys
from ev_pipeline.storage.erasing import ended_before, erase_persons, erased_owners
from ev_pipeline.storage.forgotten import record_erasure
from ev_pipeline.storage.habits import USERS, make_of
from ev_pipeline.storage.loads import own_ground, own_stations
from ev_pipeline.storage.models_lock import JOB_WAIT_S, models_lock
from ev_pipeline.storage.quarantine_erasing import drop_entries, drop_raw, drop_raw_of_ended
from ev_pipeline.storage.rollups import compact


def apply_retention(
    engine: sa.Engine, settings: Settings, now: datetime, *, by: str
) -> dict[str, int]:
    """Nothing is kept longer than the settings say.

    Args:
        engine: the database.
        settings: for how long, in days; 0 is for ever.
        now: the moment up to which it has been kept.
        by: who asks for it, for the record.

    Returns:
        Rows that went or lost something, by what they are.
    """

    def before(days: int) -> datetime:
        return now - timedelta(days=days)

    counts: dict[str, int] = {}
    with engine.begin() as connection:
        if days := settings.keep_quarantine_days:
            counts["quarantine"] = drop_entries(connection, seen_before=before(days))
        if days := settings.keep_raw_days:
            counts["raw"] = drop_raw(connection, seen_before=before(days))
    if days := settings.keep_user_ids_days:
        counts |= _erase_users(engine, settings, before(days))
    if any(counts.values()):
        with engine.begin() as connection:
            record_erasure(connection, "retention", scope=None, at=now, by=by, counts=counts)
    return counts


def _erase_users(engine: sa.Engine, settings: Settings, before: datetime) -> dict[str, int]:
    with models_lock(engine, holder="retention", wait_s=JOB_WAIT_S):
        with engine.begin() as connection:
            own_ground(connection, wait_s=JOB_WAIT_S)
            own_stations(connection)
            counts = erase_persons(connection, ended_before(before))
            counts["raw_of_users"] = drop_raw_of_ended(connection, before=before)
            owners = erased_owners(connection)
            gone = _without_sessions(connection, owners)
            keys = user_keys([scope for scope, _ in gone], [user_id for _, user_id in gone])
            counts["models"] = rename_users(connection, dict.fromkeys(keys))
        if owners:
            make_of(engine, USERS, owners)
        if counts["labels"]:
            label_again(engine, datetime.now(UTC))
    compact(engine, settings)
    return counts


def _without_sessions(
    connection: sa.Connection, owners: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Those of the users whom no session names any more."""
    rows = connection.execute(
        sa.text(
            """
            select o.scope, o.user_id
            from unnest(cast(:scopes as text[]), cast(:user_ids as text[])) o (scope, user_id)
            where not exists (
                select from ev_session s where s.scope = o.scope and s.user_id = o.user_id)
            """
        ),
        {"scopes": [scope for scope, _ in owners], "user_ids": [user for _, user in owners]},
    )
    return [(row.scope, row.user_id) for row in rows]
