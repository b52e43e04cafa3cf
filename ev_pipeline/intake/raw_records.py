"""Which bytes of a refused record are kept where its user's id may not be.

What lives here: bytes without the id, which can be read again, and digests that give no id away.
What does not: what becomes of the record's fields (`user_ids`).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from ev_pipeline.domain.pseudonyms import is_pseudonym, keyed_digest
from ev_pipeline.domain.session import SESSION_FIELDS
from ev_pipeline.intake.user_ids import IS_ERASED, IS_FORGOTTEN, NAMED_AS, UserIds
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline.sources.payloads.messages import Binding, Message, decode_messages
from ev_pipeline.sources.reader import read_records

_OTHER_FIELDS: Final = tuple(field.name for field in SESSION_FIELDS if field.name != "user_id")


@dataclass(frozen=True, slots=True)
class Reading:
    """How single records are read again.

    Args:
        mapping: how their source writes them.
        scope: the operator.
        header: the header of their file; null for JSON.
        is_stream: whether they came as messages, not in a file.
        received_at: when they came.
    """

    mapping: Mapping
    scope: str
    header: bytes | None
    is_stream: bool
    received_at: datetime

    def read(self, raws: list[bytes]) -> pl.DataFrame:
        """What the bytes say: a row each, its place in `message`; none where they say several."""
        if not self.is_stream:
            frame = read_records(raws, self.mapping, self.header, self.received_at).frame
            return frame.with_columns(message=pl.int_range(pl.len(), dtype=pl.Int64))
        binding = Binding(self.mapping, self.scope)
        messages = [Message(raw, "", self.received_at, binding) for raw in raws]
        groups = decode_messages(messages, default_scope=self.scope)
        read = pl.concat([group.batch.frame for group in groups])
        return read.filter(pl.len().over("message") == 1)


def digest(content: bytes) -> str:
    """SHA-256, as the tables have it."""
    return hashlib.sha256(content).hexdigest()


def kept_bytes(
    rows: pl.DataFrame, raws: list[bytes], reading: Reading, user_ids: UserIds
) -> tuple[list[bytes | None], list[str]]:
    """What is kept of each record as it came, null for nothing, and what it is known by.

    Where ids are hashed, the hash stands in place of the id, if the bytes then say the same but for
    that; a digest of bytes that are not kept is keyed, so that nobody finds the id by trying.

    Args:
        rows: the records, settled.
        raws: the bytes of each.
        reading: how they are read.
        user_ids: what settled them.
    """
    shown: list[bytes | None] = [*raws]
    if user_ids.is_hashing:
        shown = without_ids(rows, raws, reading, user_ids.hash_of)
    kept: list[bytes | None] = []
    digests: list[str] = []
    marks = zip(rows[IS_FORGOTTEN], rows[IS_ERASED], strict=True)
    for raw, text, (is_forgotten, is_erased) in zip(raws, shown, marks, strict=True):
        known_by = digest(raw if text is None else text)
        if user_ids.key is not None and (is_forgotten or text is None):
            known_by = keyed_digest(user_ids.key, known_by)
        kept.append(None if is_erased else text)
        digests.append(known_by)
    return kept, digests


def without_ids(
    rows: pl.DataFrame, raws: list[bytes], reading: Reading, hash_of: Callable[[str], str]
) -> list[bytes | None]:
    """The bytes of each record with the user's hash in place of the id; null where that fails.

    What cannot be read may hold an id anywhere, and what is known by its bytes alone must not have
    others: neither is kept.

    Args:
        rows: `NAMED_AS`, `problems`, `notes`, `source_session_id` and `delivery_id` of each record.
        raws: their bytes.
        reading: how they are read.
        hash_of: a user's hash.
    """
    is_left_out = rows.select(
        pl.col("problems").list.eval(pl.element().struct.field("code") == "malformed").list.any()
        | (
            pl.col("notes").list.contains("time_assigned")
            & pl.all_horizontal(pl.col("source_session_id", "delivery_id").is_null())
        )
    ).to_series()
    shown: list[bytes | None] = []
    changed: dict[int, bytes] = {}
    hashes: list[str] = []
    for place, (raw, user) in enumerate(zip(raws, rows[NAMED_AS], strict=True)):
        is_plain = user is not None and not is_pseudonym(user)
        shown.append(None if is_left_out[place] or is_plain else raw)
        if is_plain and not is_left_out[place]:
            hashes.append(hash_of(user))
            changed[place] = raw.replace(user.encode(), hashes[-1].encode())
    places = list(changed)
    for place in _read_alike(
        [raws[place] for place in places], [*changed.values()], reading, hashes
    ):
        shown[places[place]] = changed[places[place]]
    return shown


def _read_alike(
    before: list[bytes], after: list[bytes], reading: Reading, hashes: list[str]
) -> list[int]:
    """The places at which both say the same, but that the later names its user by the hash."""
    if not before:
        return []
    named = pl.DataFrame({"hash": hashes}).with_row_index("message")
    both = (
        reading.read(before)
        .join(reading.read(after), on="message", suffix="_after")
        .join(named.with_columns(pl.col("message").cast(pl.Int64)), on="message")
    )
    alike = [pl.col(name).eq_missing(pl.col(f"{name}_after")) for name in _OTHER_FIELDS]
    is_named_so = (pl.col("user_id_after") == pl.col("hash")).fill_null(value=False)
    return both.filter(*alike, is_named_so)["message"].to_list()
