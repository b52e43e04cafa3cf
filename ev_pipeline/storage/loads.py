"""Loads: one row for each file (or replay) that came in, and the order among running ones.

What lives here: the record of a load, and the lock that keeps undoing apart from loading.
What does not: what a load does (`intake`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

import polars as pl
import psycopg2.errors
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.storage.ledger import Counts
from ev_pipeline.storage.planned import later, marked
from ev_pipeline.storage.tables.ledger import ev_load

LOADS_LOCK: Final = 0x65765F6C6F616473
"""Advisory lock ("ev_loads"): loads of sessions share it; what changes the ground beneath them
(a registry, taking a load back) has it alone. The stream needs none of it."""

STATIONS_LOCK: Final = 0x65765F7374617469
"""Advisory lock ("ev_stati"): each batch of the stream shares it, and whoever writes what is known
of stations has it alone, from before its first row: who waits for it holds no row."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where records come from and how they are read.

    Args:
        source: name of the mapping; an account's is with its records.
        records: session, station or site.
        scope: the operator.
        door: file, stream or replay.
        path: the file as it was named; empty for the stream.
        mapping: the mapping's text.
        day: day of the ledger, in the reporting zone.
        received_at: when the load began; of records that do not say when they came.
    """

    source: str
    records: str
    scope: str
    door: str
    path: str
    mapping: str
    day: date
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of a load's records.

    Args:
        counts: the ledger's counts.
        reasons: quarantined records by reason code.
        warnings: stored records by warning code.
        notes: stored records by note code.
        duplicates_of: duplicates by the load that had stored what they say.
        by_account: the counts of each account whose records are among them.
        plain: of what a stream brings the sessions with all that is stored of them, if each is
            stored as a first revision and nothing else came: then nobody has to read them.

    Of what a stream brings nobody asks for reasons, warnings, notes and what it repeats.
    """

    counts: Counts = field(default_factory=Counts)
    reasons: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    duplicates_of: dict[int, int] = field(default_factory=dict)
    by_account: dict[str, Counts] = field(default_factory=dict)
    plain: pl.DataFrame | None = None


def share_ground(connection: sa.Connection) -> None:
    """No registry changes and no load is taken back until this transaction ends."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(LOADS_LOCK)))


def own_ground(connection: sa.Connection, *, wait_s: float | None = None) -> None:
    """No load runs until this transaction ends.

    Args:
        connection: the transaction.
        wait_s: how long to wait for loads that run, s; by default for as long as they do.

    Raises:
        PipelineError: a load went on for so long.
    """
    if wait_s is not None:
        _set_lock_timeout(connection, f"{1000 * wait_s:.0f}ms")
    try:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOADS_LOCK)))
    except OperationalError as error:
        if not isinstance(error.orig, psycopg2.errors.LockNotAvailable):
            raise
        raise PipelineError(
            f"a load goes on; waited {wait_s:g} s",
            mend="wait until it has ended, then repeat this",
        ) from error
    if wait_s is not None:
        _set_lock_timeout(connection, "0")


def _set_lock_timeout(connection: sa.Connection, timeout: str) -> None:
    connection.execute(
        sa.text("select set_config('lock_timeout', :timeout, true)"), {"timeout": timeout}
    )


_SHARE_STATIONS: Final = marked(sa.select(sa.func.pg_advisory_xact_lock_shared(STATIONS_LOCK)))


def share_stations(connection: sa.Connection) -> None:
    """What is known of stations stays as it is read from now on until this transaction ends."""
    later(connection, _SHARE_STATIONS)


def own_stations(connection: sa.Connection) -> None:
    """Whatever the stream has stored is seen from now on; it stores nothing until the end of this.

    Else a session could be stored by a clock, or at a station, that is no more.
    """
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(STATIONS_LOCK)))


def new_load_id(connection: sa.Connection) -> int:
    """A number for a load; it stays unused if the load fails."""
    sequence = sa.func.pg_get_serial_sequence("ev_load", "load_id")
    return int(connection.execute(sa.select(sa.func.nextval(sequence))).scalar_one())


def record_load(
    connection: sa.Connection,
    load_id: int,
    origin: Origin,
    tally: Tally,
    *,
    header: bytes | None,
    file_sha256: str | None,
) -> None:
    """The load's row says where its records came from and what became of them."""
    row: dict[str, Any] = {
        "load_id": load_id,
        "source": origin.source,
        "records": origin.records,
        "scope": origin.scope,
        "door": origin.door,
        "path": origin.path,
        "file_sha256": file_sha256,
        "mapping": origin.mapping,
        "header": header,
        "day": origin.day,
        "started_at": origin.received_at,
        "finished_at": sa.func.clock_timestamp(),
        "reasons": tally.reasons,
        "warnings": tally.warnings,
        "notes": tally.notes,
        "duplicates_of": tally.duplicates_of,
        **tally.counts.as_columns(),
    }
    connection.execute(sa.insert(ev_load).values(row))


def list_loads(connection: sa.Connection) -> list[dict[str, Any]]:
    """Every load, newest first, without mapping texts and headers."""
    hidden = {"mapping", "header"}
    columns = [column for column in ev_load.columns if column.name not in hidden]
    query = sa.select(*columns).order_by(ev_load.c.load_id.desc())
    return [dict(row) for row in connection.execute(query).mappings()]


def replace_in_paths(
    connection: sa.Connection, replace: Callable[[str], str], *, scope: str
) -> int:
    """The operator's files are named as said; returns how many are named otherwise than before."""
    n_changed = 0
    loads = sa.select(ev_load.c.load_id, ev_load.c.path).where(ev_load.c.scope == scope)
    for load_id, path in connection.execute(loads).all():
        named = replace(path)
        if named != path:
            chosen = sa.update(ev_load).where(ev_load.c.load_id == load_id)
            n_changed += connection.execute(chosen.values(path=named)).rowcount
    return n_changed


def standing_load(connection: sa.Connection, load_id: int) -> dict[str, Any]:
    """The row of a load that stands.

    Raises:
        PipelineError: there is no such load, or it was taken back.
    """
    query = sa.select(ev_load).where(ev_load.c.load_id == load_id).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    mend = "see `ev-pipeline loads list`"
    if row is None:
        raise PipelineError(f"there is no load {load_id}", mend=mend)
    if row["undone_at"] is not None:
        when = row["undone_at"].isoformat(sep=" ", timespec="seconds")
        raise PipelineError(f"load {load_id} was taken back already, on {when}", mend=mend)
    return dict(row)


def mark_undone(connection: sa.Connection, load_id: int, undone_at: datetime) -> None:
    """The load counts as taken back."""
    connection.execute(
        sa.update(ev_load).where(ev_load.c.load_id == load_id).values(undone_at=undone_at)
    )


def loads_that_met(connection: sa.Connection, load_id: int) -> list[int]:
    """Standing loads that counted records of this one as duplicates."""
    query = (
        sa.select(ev_load.c.load_id)
        .where(ev_load.c.undone_at.is_(None), ev_load.c.duplicates_of.has_key(str(load_id)))
        .order_by(ev_load.c.load_id)
    )
    return list(connection.execute(query).scalars())
