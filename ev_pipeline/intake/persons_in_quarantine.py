"""What quarantine tells of persons: found by reading the records again, and erased or hashed.

What lives here: which entries are a user's, and what is left of them. What does not: writing it
(`storage.quarantine_erasing`).
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.pseudonyms import PERSONAL_FIELDS, keyed_digest
from ev_pipeline.domain.validation import describe
from ev_pipeline.intake.raw_records import Reading, digest, without_ids
from ev_pipeline.intake.user_ids import NAMED_AS, words
from ev_pipeline.settings import Limits
from ev_pipeline.sources.mapping import parse_mapping
from ev_pipeline.storage.quarantine_erasing import Entry, read_entries, write_entries
from ev_pipeline.storage.quarantine_queries import (
    HeldRecord,
    ReadBy,
    Selection,
    entries_to_replay,
)

_ESCAPED: Final = b"\\u"
"""In JSON an id may be written otherwise than it reads."""


def erase_user(
    connection: sa.Connection, names: list[str], *, scope: str, key: bytes, limits: Limits
) -> int:
    """No entry of the operator tells of the user; returns how many did.

    An entry is the user's whose record names them so, or has one of the names among its words.

    Args:
        connection: the transaction; no session is stored meanwhile.
        names: the user's id, and its hash.
        scope: the operator.
        key: what digests are keyed by.
        limits: the limits that reasons name.
    """
    texts = [name.encode() for name in names]
    selection = Selection(is_open=False, scope=scope, holding=(*texts, _ESCAPED))
    found: list[int] = []
    for how, records in entries_to_replay(connection, selection).items():
        users = _users(how, records)
        found += [
            record.quarantine_id
            for record, user in zip(records, users, strict=True)
            if user in names or not words(record.raw).isdisjoint(names)
        ]
    erased = [
        Entry(
            entry.quarantine_id,
            None,
            keyed_digest(key, entry.raw_sha256),
            _silent(entry.reasons, PERSONAL_FIELDS, limits, names=names),
        )
        for entry in read_entries(connection, found)
    ]
    return write_entries(connection, erased)


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
                reasons = _silent(entry.reasons, ("user_id",), limits, ("malformed",))
                hashed.append(Entry(entry.quarantine_id, text, known_by, reasons))
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


def _users(how: ReadBy, records: list[HeldRecord]) -> list[str | None]:
    """Whom each record names; null where it names nobody, or cannot be read."""
    if how.records != "session":
        return [None] * len(records)
    read = _reading(how).read([record.raw for record in records])
    users: list[str | None] = _in_place(read, len(records))["user_id"].to_list()
    return users


def _in_place(read: pl.DataFrame, n_records: int) -> pl.DataFrame:
    """A row for every record; of nulls where none was read."""
    places = pl.DataFrame({"message": pl.int_range(n_records, dtype=pl.Int64, eager=True)})
    return places.join(read, on="message", how="left", maintain_order="left")


def _reading(how: ReadBy) -> Reading:
    mapping = parse_mapping(how.mapping, where=f"mapping {how.source} of the load")
    return Reading(mapping, how.scope, how.header, how.is_stream, datetime.now(UTC))


def _silent(
    reasons: list[dict[str, Any]],
    fields: tuple[str, ...],
    limits: Limits,
    codes: Sequence[str] = (),
    names: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Reasons that quote nothing of these fields or codes, nor anything with one of the names."""

    def is_silent(reason: dict[str, Any]) -> bool:
        value = reason["value"] or ""
        is_listed = reason["field"] in fields or reason["code"] in codes
        return is_listed or any(name in value for name in names)

    def said(reason: dict[str, Any]) -> str:
        return describe(reason["code"], reason["field"], None, limits)

    return [
        {**reason, "value": None, "message": said(reason)} if is_silent(reason) else reason
        for reason in reasons
    ]
