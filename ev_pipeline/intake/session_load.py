"""A load of sessions, from decoded batches to rows in their tables, in one transaction.

What lives here: the order of the steps. What does not: the steps themselves (`staged` and
`storage`), and the transaction (`load`).
"""

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from ev_pipeline.intake.job import Job
from ev_pipeline.intake.records import HeldRecords, numbered
from ev_pipeline.intake.refusal import refuse_conflicts
from ev_pipeline.intake.staged import Staging, staged
from ev_pipeline.storage.decisions import conflicting, decide
from ev_pipeline.storage.ledger import Counts
from ev_pipeline.storage.loads import Tally, share_ground, share_stations
from ev_pipeline.storage.overlaps import find_overlaps
from ev_pipeline.storage.quarantine import (
    drop_unfinished,
    supersede_unfinished,
    take_turn,
    write_quarantine,
)
from ev_pipeline.storage.revisions import keep_passed
from ev_pipeline.storage.sessions import Written, write_sessions
from ev_pipeline.storage.staging import open_staging
from ev_pipeline.storage.tallies import count_sessions, tally_of, tally_sessions


def load_sessions(connection: sa.Connection, job: Job) -> tuple[Tally, bytes | None]:
    """The job's sessions are stored, quarantined or known already.

    The stream waits for a registry while it is written, not while it is read.

    Returns:
        What became of them, and the header that their file has.
    """
    if job.load_id is None:
        share_stations(connection)
    else:
        share_ground(connection)
    held = job.records.batch.frame if isinstance(job.records, HeldRecords) else None
    open_staging(connection, None if held is None else held.height)
    with staged(connection, job) as staging:
        for before, batch in numbered(job.records, job.progress):
            staging.add(before, batch)
        staging.add_ambiguous()
    tally = _settle(connection, job, staging)
    _quarantine(connection, job, tally)
    if staging.add_stations():
        tally = replace(tally, plain=None)
    return tally, staging.header


def _settle(connection: sa.Connection, job: Job, staging: Staging) -> Tally:
    """Decide, write and count what is staged."""
    origin, corrects = job.origin, job.mapping.has_corrections
    n_incoming = staging.n_accepted
    written_as: dict[str, Any] = {
        "scope": origin.scope,
        "source": origin.source,
        "door": origin.door,
        "load_id": job.load_id,
        "received_at": origin.received_at,
        "resolution_s": job.mapping.resolution_s or None,
    }
    written = Written(is_contested=False, has_overlaps=False)
    is_contested = False
    if n_incoming:
        is_contested = decide(connection, n_incoming=n_incoming, has_corrections=corrects)
        find_overlaps(
            connection,
            n_incoming=n_incoming,
            scope=origin.scope,
            resolution_s=job.mapping.resolution_s,
        )
    if staging.n_refused:
        drop_unfinished(connection, n_records=n_incoming + staging.n_refused)
    if n_incoming:
        written = write_sessions(
            connection,
            is_contested=is_contested,
            n_incoming=n_incoming,
            has_corrections=corrects,
            **written_as,
        )
    if written.is_contested:
        keep_passed(connection, **written_as)
        refuse_conflicts(connection, job, conflicting(connection), staging.user_ids)
    is_plain = not written.is_contested and not staging.n_refused
    if is_plain:
        by_account = {account: Counts(stored=n) for account, n in staging.accounts.items()}
    else:
        by_account = count_sessions(connection)
    if job.load_id is None:  # nobody asks for reasons
        plain = staging.plain(has_overlaps=written.has_overlaps) if is_plain else None
        return replace(tally_of(by_account), plain=plain)
    return tally_sessions(
        connection,
        by_account,
        warnings=staging.warnings,
        notes=staging.notes,
        has_overlaps=written.has_overlaps,
    )


def _quarantine(connection: sa.Connection, job: Job, tally: Tally) -> None:
    """Write what was refused, and settle what is completed: from here it is not long to the end."""
    origin = job.origin
    take_turn(connection, scope=origin.scope)
    if tally.counts.quarantined:
        write_quarantine(
            connection,
            scope=origin.scope,
            origin=origin.source,
            load_id=job.load_id,
            mapping=origin.mapping,
            seen_at=origin.received_at,
        )
    supersede_unfinished(
        connection,
        scope=origin.scope,
        load_id=job.load_id,
        n_records=tally.counts.received,
    )
