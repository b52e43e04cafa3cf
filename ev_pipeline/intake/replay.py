"""Quarantined records are judged once more, after limits, registry or mapping were mended.

What lives here: replay, as loads of their own by the door `replay`. What does not: the load itself
(`load`), and the entries (`ev_pipeline.storage.quarantine`).
"""

from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.intake.job import Job, LoadResult
from ev_pipeline.intake.load import take_in
from ev_pipeline.intake.records import HeldRecords
from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import Mapping, parse_mapping
from ev_pipeline.sources.payloads.messages import Binding, Message, decode_messages
from ev_pipeline.sources.reader import RecordBatch, read_records
from ev_pipeline.storage.loads import Origin, new_load_id
from ev_pipeline.storage.quarantine import resolve_taken
from ev_pipeline.storage.quarantine_queries import HeldRecord, ReadBy, Selection, entries_to_replay
from ev_pipeline.storage.rollups import compact

REPLAY_DOOR: Final = "replay"
"""The ledger's name for what came from quarantine."""


def replay(
    engine: sa.Engine, settings: Settings, selection: Selection, *, mended: Mapping | None = None
) -> list[LoadResult]:
    """Every selected record is received again: its entry is resolved, or stays with new reasons.

    Args:
        engine: the database.
        settings: the limits in force now.
        selection: which entries; settled ones are left alone.
        mended: the mapping to read them by, instead of the one that they were loaded by.

    Returns:
        One result for each way in which their files had been read, each a load that can be undone.
    """
    with engine.connect() as connection:
        groups = entries_to_replay(connection, selection)
    results = [
        result
        for how, entries in groups.items()
        for result in _replay_group(engine, settings, how, entries, mended)
    ]
    compact(engine, settings)
    return results


def _replay_group(
    engine: sa.Engine,
    settings: Settings,
    how: ReadBy,
    entries: list[HeldRecord],
    mended: Mapping | None,
) -> list[LoadResult]:
    received_at = datetime.now(UTC)
    mapping = mended or parse_mapping(how.mapping, where=f"mapping {how.source} of the load")
    if not how.is_stream:
        batch = read_records([one.raw for one in entries], mapping, how.header, received_at)
        return [_replay_batch(engine, settings, how, mapping, batch, entries, received_at)]
    binding = Binding(mapping, how.scope)
    messages = [
        Message(one.raw, how.source, received_at, binding, one.delivery_id) for one in entries
    ]
    return [
        _replay_batch(
            engine,
            settings,
            how,
            group.mapping,
            _numbered(group.batch),
            [entries[number] for number in group.batch.frame["message"].unique()],
            received_at,
        )
        for group in decode_messages(messages, default_scope=how.scope)
    ]


def _numbered(batch: RecordBatch) -> RecordBatch:
    """The batch, its records numbered through: each message begins with line 1."""
    lines = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    return replace(batch, frame=batch.frame.with_columns(line=lines))


def _replay_batch(
    engine: sa.Engine,
    settings: Settings,
    how: ReadBy,
    mapping: Mapping,
    batch: RecordBatch,
    entries: list[HeldRecord],
    received_at: datetime,
) -> LoadResult:
    began = monotonic()
    origin = Origin(
        source=how.source,
        records=mapping.records,
        scope=how.scope,
        door=REPLAY_DOOR,
        path="quarantine",
        mapping=mapping.text,
        day=received_at.astimezone(settings.zone).date(),
        received_at=received_at,
    )
    with engine.begin() as connection:
        load_id = new_load_id(connection)
        job = Job(
            load_id=load_id,
            settings=settings,
            mapping=mapping,
            origin=origin,
            records=HeldRecords(batch),
            fingerprint=None,
        )
        tally = take_in(connection, job)
        resolve_taken(connection, [one.quarantine_id for one in entries], load_id=load_id)
    return LoadResult(load_id, how.source, origin.path, tally, monotonic() - began)
