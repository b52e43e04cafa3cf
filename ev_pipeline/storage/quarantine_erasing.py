"""Quarantine entries without the bytes, or without what in them tells of a person.

What lives here: writing that. What does not: finding the entries (`quarantine_queries`).
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from ev_pipeline.domain.pseudonyms import PERSONAL_CODES, PERSONAL_FIELDS
from ev_pipeline.storage.tables.quarantine import ev_quarantine

_AT_ONCE: Final = 1_000
"""Entries written by one statement."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What of an entry may tell of a person.

    Args:
        quarantine_id: its number.
        raw: the bytes; null where they are not kept.
        raw_sha256: what it is known by.
        reasons: why it was refused.
        source_session_id: its source's id, where it could be read.
        station_id: its station, likewise.
        connector_id: its connector, likewise.
    """

    quarantine_id: int
    raw: bytes | None
    raw_sha256: str
    reasons: list[dict[str, Any]]
    source_session_id: str | None
    station_id: str | None
    connector_id: str | None


_WRITE: Final = sa.text("""
    update ev_quarantine q
    set raw = n.raw, raw_sha256 = n.raw_sha256, reasons = n.reasons,
        source_session_id = n.source_session_id, station_id = n.station_id,
        connector_id = n.connector_id
    from unnest(cast(:ids as bigint[]), cast(:raws as bytea[]), cast(:digests as text[]),
        cast(:reasons as jsonb[]), cast(:source_ids as text[]), cast(:stations as text[]),
        cast(:connectors as text[])) n (quarantine_id, raw, raw_sha256, reasons,
        source_session_id, station_id, connector_id)
    where q.quarantine_id = n.quarantine_id
""")

_DROP_RAW: Final = """
    update ev_quarantine
    set raw = null, reasons = (
        select coalesce(jsonb_agg(
            case when r ->> 'field' = any(:fields) or r ->> 'code' = any(:codes)
                then r || jsonb_build_object('value', null, 'message', coalesce(
                    left(r ->> 'message', -length(
                        case when r ->> 'field' is null then ': ' else ' is ' end
                        || (r ->> 'value'))),
                    r ->> 'message'))
                else r end
            order by place), '[]')
        from jsonb_array_elements(reasons) with ordinality said (r, place))
    where raw is not null and
"""
"""What a reason quotes stands in its value, and at the end of its message (`domain.validation`)."""

_DROP_RAW_OF_SEEN: Final = sa.text(f"{_DROP_RAW} last_seen_at < :before")
_DROP_RAW_OF_ENDED: Final = sa.text(f"{_DROP_RAW} coalesce(ended_at, last_seen_at) < :before")

_PERSONAL: Final = {"fields": list(PERSONAL_FIELDS), "codes": list(PERSONAL_CODES)}

_DROP: Final = sa.text("""
    with gone as (
        delete from ev_quarantine where last_seen_at < :before returning quarantine_id
    ), unsighted as (
        delete from ev_quarantine_sighting where quarantine_id in (select quarantine_id from gone)
    )
    select count(*) from gone
""")


def read_entries(connection: sa.Connection, quarantine_ids: list[int]) -> list[Entry]:
    """The entries, in order of their numbers."""
    columns = [ev_quarantine.c[name] for name in Entry.__dataclass_fields__]
    query = sa.select(*columns).where(ev_quarantine.c.quarantine_id.in_(quarantine_ids))
    rows = connection.execute(query.order_by(ev_quarantine.c.quarantine_id))
    return [Entry(row[0], None if row[1] is None else bytes(row[1]), *row[2:]) for row in rows]


def write_entries(connection: sa.Connection, entries: list[Entry]) -> int:
    """The entries are as given; returns how many there are."""
    n_written = 0
    for first in range(0, len(entries), _AT_ONCE):
        some = entries[first : first + _AT_ONCE]
        names = {
            "ids": [entry.quarantine_id for entry in some],
            "raws": [entry.raw for entry in some],
            "digests": [entry.raw_sha256 for entry in some],
            "reasons": [json.dumps(entry.reasons) for entry in some],
            "source_ids": [entry.source_session_id for entry in some],
            "stations": [entry.station_id for entry in some],
            "connectors": [entry.connector_id for entry in some],
        }
        n_written += connection.execute(_WRITE, names).rowcount
    return n_written


def drop_raw(connection: sa.Connection, *, seen_before: datetime) -> int:
    """No entry that last came before the moment has its bytes, or quotes what may be personal.

    Returns:
        How many had their bytes.
    """
    return connection.execute(_DROP_RAW_OF_SEEN, {"before": seen_before, **_PERSONAL}).rowcount


def drop_raw_of_ended(connection: sa.Connection, *, before: datetime) -> int:
    """The same for entries of sessions that ended before it, or came then where no end is known."""
    return connection.execute(_DROP_RAW_OF_ENDED, {"before": before, **_PERSONAL}).rowcount


def drop_entries(connection: sa.Connection, *, seen_before: datetime) -> int:
    """There is no entry that last came before the moment; returns how many there were."""
    return int(connection.execute(_DROP, {"before": seen_before}).scalar_one())
