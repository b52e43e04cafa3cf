"""Quarantine looked up: for people, and for a replay.

What lives here: queries. What does not: writing entries (`quarantine`).
"""

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.storage.tables.ledger import ev_load
from ev_pipeline.storage.tables.quarantine import ev_quarantine, ev_quarantine_sighting


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries; those that fit everything that is given.

    Args:
        source: the mapping or account that they came by.
        code: a reason that they have.
        load_id: a load that met them.
        quarantine_ids: their numbers.
        is_open: whether to leave settled ones out.
        scope: the operator whose records they are.
        is_unkept: whether to take only those whose bytes are not kept.
    """

    source: str | None = None
    code: str | None = None
    load_id: int | None = None
    quarantine_ids: tuple[int, ...] = ()
    is_open: bool = True
    scope: str | None = None
    is_unkept: bool = False


@dataclass(frozen=True, slots=True)
class ReadBy:
    """How some entries' records were read: what a replay needs beside their bytes.

    Args:
        source: name of the mapping.
        records: session, station or site.
        scope: the operator.
        mapping: the mapping's text.
        header: the header of their file; null for JSON.
        is_stream: whether they came as messages, not in a file.
    """

    source: str
    records: str
    scope: str
    mapping: str
    header: bytes | None
    is_stream: bool


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A quarantined record as it came.

    Args:
        quarantine_id: the number of its entry.
        raw: its bytes.
        delivery_id: what names its delivery, where that is known.
    """

    quarantine_id: int
    raw: bytes
    delivery_id: str | None


_SHOWN: Final = [column for column in ev_quarantine.columns if column.name != "raw"]


def list_entries(
    connection: sa.Connection, selection: Selection, *, limit: int | None
) -> list[dict[str, Any]]:
    """The entries without their raw bytes, newest first."""
    query = (
        sa.select(*_SHOWN)
        .where(*_conditions(selection))
        .order_by(ev_quarantine.c.last_seen_at.desc(), ev_quarantine.c.quarantine_id.desc())
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def count_entries(connection: sa.Connection, selection: Selection) -> int:
    """How many entries there are."""
    query = sa.select(sa.func.count()).select_from(ev_quarantine).where(*_conditions(selection))
    return int(connection.execute(query).scalar_one())


def show_entry(connection: sa.Connection, quarantine_id: int) -> dict[str, Any]:
    """One entry with its raw bytes and where it was met.

    Raises:
        PipelineError: there is no such entry.
    """
    query = sa.select(ev_quarantine).where(ev_quarantine.c.quarantine_id == quarantine_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise PipelineError(
            f"there is no quarantined record {quarantine_id}",
            mend="see `ev-pipeline quarantine list`",
        )
    sightings = (
        sa.select(ev_load.c.load_id, ev_load.c.path, ev_quarantine_sighting.c.line)
        .join(ev_load, ev_load.c.load_id == ev_quarantine_sighting.c.load_id)
        .where(ev_quarantine_sighting.c.quarantine_id == quarantine_id)
        .order_by(ev_load.c.load_id, ev_quarantine_sighting.c.line)
    )
    met = [dict(place) for place in connection.execute(sightings).mappings()]
    return {**row, "raw": row["raw"] and bytes(row["raw"]), "met": met}


def entries_to_replay(
    connection: sa.Connection, selection: Selection
) -> dict[ReadBy, list[HeldRecord]]:
    """The records of those of the entries that are kept as they came, by how they were read."""
    first_load = (
        sa.select(sa.func.min(ev_quarantine_sighting.c.load_id))
        .where(ev_quarantine_sighting.c.quarantine_id == ev_quarantine.c.quarantine_id)
        .correlate(ev_quarantine)
        .scalar_subquery()
    )
    query = (
        sa.select(
            ev_quarantine.c.quarantine_id,
            ev_quarantine.c.raw,
            ev_quarantine.c.delivery_id,
            ev_quarantine.c.origin,
            sa.func.coalesce(ev_load.c.records, "session").label("records"),
            ev_quarantine.c.scope,
            sa.func.coalesce(ev_quarantine.c.mapping, ev_load.c.mapping).label("mapping"),
            ev_load.c.header,
            ev_quarantine.c.mapping.is_not(None).label("is_stream"),
        )
        .select_from(ev_quarantine)
        .outerjoin(ev_load, ev_load.c.load_id == first_load)
        .where(*_conditions(selection), ev_quarantine.c.raw.is_not(None))
        .order_by(ev_quarantine.c.quarantine_id)
    )
    groups: dict[ReadBy, list[HeldRecord]] = {}
    for row in connection.execute(query):
        header = None if row.header is None else bytes(row.header)
        how = ReadBy(row.origin, row.records, row.scope, row.mapping, header, row.is_stream)
        record = HeldRecord(row.quarantine_id, bytes(row.raw), row.delivery_id)
        groups.setdefault(how, []).append(record)
    return groups


def _conditions(selection: Selection) -> list[sa.ColumnElement[bool]]:
    entry, sighting = ev_quarantine.c, ev_quarantine_sighting.c
    conditions: list[sa.ColumnElement[bool]] = []
    if selection.is_open:
        conditions.append(entry.state == "open")
    if selection.source is not None:
        conditions.append(entry.origin == selection.source)
    if selection.code is not None:
        conditions.append(sa.literal(selection.code) == sa.any_(entry.codes))
    if selection.load_id is not None:
        met = sa.select(sighting.quarantine_id).where(sighting.load_id == selection.load_id)
        conditions.append(entry.quarantine_id.in_(met))
    if selection.scope is not None:
        conditions.append(entry.scope == selection.scope)
    if selection.is_unkept:
        conditions.append(entry.raw.is_(None))
    if selection.quarantine_ids:
        conditions.append(entry.quarantine_id.in_(selection.quarantine_ids))
    return conditions
