"""What quarantine tells of persons: found by reading the records again, and erased or hashed.

What lives here: which entries are a user's, and what is left of them. What does not: writing it
(`storage.quarantine_erasing`).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.pseudonyms import keyed_digest
from ev_pipeline.domain.validation import describe
from ev_pipeline.intake.mentions import any_of, spellings, texts_of
from ev_pipeline.intake.raw_records import Reading, digest, without_ids
from ev_pipeline.intake.user_ids import LOOSE_COLUMNS, NAMED_AS
from ev_pipeline.settings import Limits
from ev_pipeline.sources.mapping import parse_mapping
from ev_pipeline.storage.quarantine_erasing import Entry, read_entries, write_entries
from ev_pipeline.storage.quarantine_queries import (
    HeldRecord,
    ReadBy,
    Selection,
    entries_to_replay,
    list_entries,
)


def erase_user(
    connection: sa.Connection, names: list[str], *, scope: str, key: bytes, limits: Limits
) -> int:
    """No entry of the operator tells of the user; returns how many did.

    An entry is the user's whose record names them so, or has one of the names among its words; or
    which says so itself, where its bytes are not kept.

    Args:
        connection: the transaction; no session is stored meanwhile.
        names: the user's id, and its hash.
        scope: the operator.
        key: what digests are keyed by.
        limits: the limits that reasons name.
    """
    theirs = any_of(names)
    found = _unkept(connection, scope, theirs)
    for how, records in entries_to_replay(
        connection, Selection(is_open=False, scope=scope)
    ).items():
        reading = _reading(how)
        users = _users(how, reading, records)
        found += [
            record.quarantine_id
            for record, user in zip(records, users, strict=True)
            if user in names
            or any(map(theirs.search, texts_of(record.raw, reading.mapping.file.encoding)))
        ]
    erased = [_erased(entry, theirs, key, limits) for entry in read_entries(connection, found)]
    return write_entries(connection, erased)


def _erased(entry: Entry, theirs: re.Pattern[str], key: bytes, limits: Limits) -> Entry:
    def shown(text: str | None) -> str | None:
        return None if theirs.search(text or "") else text

    return Entry(
        entry.quarantine_id,
        raw=None,
        raw_sha256=keyed_digest(key, entry.raw_sha256),
        reasons=_silent(entry.reasons, limits, lambda _reason: True),
        source_session_id=shown(entry.source_session_id),
        station_id=shown(entry.station_id),
        connector_id=shown(entry.connector_id),
    )


def _unkept(connection: sa.Connection, scope: str, theirs: re.Pattern[str]) -> list[int]:
    """The numbers of entries without bytes that quote the user all the same."""
    selection = Selection(is_open=False, scope=scope, is_unkept=True)
    found: list[int] = []
    for entry in list_entries(connection, selection, limit=None):
        quoted = [entry[name] for name in LOOSE_COLUMNS]
        quoted += [reason["value"] for reason in entry["reasons"]]
        texts = (text for told in quoted if told for text in spellings(told))
        if any(map(theirs.search, texts)):
            found.append(entry["quarantine_id"])
    return found


def hash_users(
    connection: sa.Connection, key: bytes, hash_of: Callable[[str, str], str], limits: Limits
) -> int:
    """Entries name users by their hashes, or are without their bytes; returns how many changed.

    Args:
        connection: the transaction; no session is stored meanwhile.
        key: what digests are keyed by.
        hash_of: a user's hash, by scope and id.
        limits: the limits that reasons name.
    """
    hashed: list[Entry] = []
    for how, records in entries_to_replay(connection, Selection(is_open=False)).items():
        if how.records == "session":
            texts = dict(_hashed(how, records, hash_of))
            for entry in read_entries(connection, list(texts)):
                text = texts[entry.quarantine_id]
                if text == entry.raw:
                    continue
                known_by = digest(text) if text else keyed_digest(key, entry.raw_sha256)
                reasons = _silent(entry.reasons, limits, _tells_id)
                hashed.append(replace(entry, raw=text, raw_sha256=known_by, reasons=reasons))
    return write_entries(connection, hashed)


def _hashed(
    how: ReadBy, records: list[HeldRecord], hash_of: Callable[[str, str], str]
) -> Iterator[tuple[int, bytes | None]]:
    reading = _reading(how)
    raws = [record.raw for record in records]
    rows = _in_place(reading.read(raws), len(raws)).with_columns(
        pl.col("user_id").alias(NAMED_AS),
        pl.Series("delivery_id", [record.delivery_id for record in records], dtype=pl.String),
    )
    shown = without_ids(rows, raws, reading, lambda user: hash_of(how.scope, user))
    is_read = rows["problems"].is_not_null()
    for record, text, is_understood in zip(records, shown, is_read, strict=True):
        yield record.quarantine_id, text if is_understood else None


def _users(how: ReadBy, reading: Reading, records: list[HeldRecord]) -> list[str | None]:
    """Whom each record names; null where it names nobody, or cannot be read."""
    if how.records != "session":
        return [None] * len(records)
    read = reading.read([record.raw for record in records])
    users: list[str | None] = _in_place(read, len(records))["user_id"].to_list()
    return users


def _in_place(read: pl.DataFrame, n_records: int) -> pl.DataFrame:
    """A row for every record; of nulls where none was read."""
    places = pl.DataFrame({"message": pl.int_range(n_records, dtype=pl.Int64, eager=True)})
    return places.join(read, on="message", how="left", maintain_order="left")


def _reading(how: ReadBy) -> Reading:
    mapping = parse_mapping(how.mapping, where=f"mapping {how.source} of the load")
    return Reading(mapping, how.scope, how.header, how.is_stream, datetime.now(UTC))


def _tells_id(reason: dict[str, Any]) -> bool:
    return bool(reason["field"] == "user_id" or reason["code"] == "malformed")


def _silent(
    reasons: list[dict[str, Any]], limits: Limits, is_silent: Callable[[dict[str, Any]], bool]
) -> list[dict[str, Any]]:
    """The reasons; those that are silent quote nothing."""
    return [
        {
            **reason,
            "value": None,
            "message": describe(reason["code"], reason["field"], None, limits),
        }
        if is_silent(reason)
        else reason
        for reason in reasons
    ]
