"""Who a session is: the id that is the same by whichever door and in whichever format it comes.

What lives here: the id of a session from its source's own id, else from its natural key, else,
where its times come from receipt, from how it was delivered.
What does not: what happens to a session whose id is stored already (`storage`).
"""

import hashlib
from functools import lru_cache
from typing import Final
from uuid import UUID

import polars as pl

NAMESPACE: Final = UUID("5f3c1f0e-8a5d-5d0b-9a43-6f1d3c1c2b7e")
"""Namespace of every session id. It never changes: all stored ids follow from it."""

_VARIANT_BY_DIGIT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""The seventeenth digit of a UUID keeps two bits of the digest's; the others say which variant."""

_MAX_KNOWN_SCOPES: Final = 64
"""Operators whose expressions are kept: to make one takes longer than to use it on a session."""

_SOURCE_ID: Final = "source-id"
_START: Final = "station-connector-start"
_START_AND_END: Final = "station-connector-start-end"
_DELIVERY: Final = "delivery"


def session_ids(frame: pl.DataFrame, *, scope: str, key_has_end: bool) -> pl.Series:
    """Every session whose key is known has its id.

    The id is the UUID version 5 of the key's parts, each written as its length in bytes, a colon
    and its UTF-8 text (nothing known: `-`), so that no two keys are written alike. The first part
    says what kind of key it is, the second is the scope; times are microseconds since 1970 in UTC.

    Args:
        frame: canonical sessions.
        scope: the operator within which ids are unique.
        key_has_end: whether starts repeat on a connector, so that the natural key needs the end.

    Returns:
        Ids as text, null where there is neither a source's own id nor a natural key (station and
        start, and the end where the key has one; the connector may be unknown).

    References:
        RFC 9562, section 5.5 (UUID version 5).
    """
    own = [text or "" for text in frame["source_session_id"].to_list()]
    if not all(map(str.strip, own)):
        return _uuids(frame.select(_session_key(scope, key_has_end=key_has_end))["session_id"])
    # The same without a query, which takes a stream's few sessions longer than their digests.
    kind = _written(_SOURCE_ID) + _written(scope)
    return _uuids(pl.Series("session_id", [kind + _written(text) for text in own], pl.String))


@lru_cache(maxsize=_MAX_KNOWN_SCOPES)
def _session_key(scope: str, *, key_has_end: bool) -> pl.Expr:
    """The key from which a session's id is made, null where nothing says who it is."""
    started, ended = _epoch_us("started_at"), _epoch_us("ended_at")
    own_id, station = _known_text("source_session_id"), _known_text("station_id")
    place = [station, _known_text("connector_id"), started]
    if key_has_end:
        natural = _key(_START_AND_END, scope, [*place, ended])
        has_natural = pl.all_horizontal(x.is_not_null() for x in (station, started, ended))
    else:
        natural = _key(_START, scope, place)
        has_natural = pl.all_horizontal(x.is_not_null() for x in (station, started))
    return (
        pl.when(own_id.is_not_null())
        .then(_key(_SOURCE_ID, scope, [own_id]))
        .when(has_natural)
        .then(natural)
        .alias("session_id")
    )


def delivery_ids(frame: pl.DataFrame, *, scope: str) -> pl.Series:
    """The ids of sessions whose times come from receipt: the same delivery is the same session.

    Args:
        frame: `source` (account or file source) and `delivery` (what names it among theirs: the
            message's own id, else the SHA-256 of what came).
        scope: the operator.

    Returns:
        Ids as text.
    """
    keys = frame.select(_key(_DELIVERY, scope, [pl.col("source"), pl.col("delivery")]))
    return _uuids(keys.to_series().alias("session_id"))


def _known_text(field: str) -> pl.Expr:
    """The field's text; null where it says nothing."""
    text = pl.col(field)
    return pl.when(text.str.strip_chars() != "").then(text)


def _epoch_us(field: str) -> pl.Expr:
    """The field's time in microseconds since 1970, as text."""
    return pl.col(field).dt.epoch("us").cast(pl.String)


def _key(kind: str, scope: str, parts: list[pl.Expr]) -> pl.Expr:
    written = [pl.format("{}:{}", part.str.len_bytes(), part).fill_null("-") for part in parts]
    return pl.concat_str(pl.lit(_written(kind) + _written(scope)), *written)


def _written(part: str) -> str:
    return f"{len(part.encode())}:{part}"


def _uuids(names: pl.Series) -> pl.Series:
    """UUIDs version 5 of the names, as text; null for null."""
    new_digest = hashlib.sha1(NAMESPACE.bytes, usedforsecurity=False).copy

    def uuid(name: str) -> str:
        digest = new_digest()
        digest.update(name.encode())
        digits = digest.hexdigest()
        variant = _VARIANT_BY_DIGIT[digits[16]]
        # Taken apart here: expressions that do so cost a small batch more than all of its digests.
        return (
            f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"
        )

    ids = [None if name is None else uuid(name) for name in names.to_list()]
    return pl.Series(names.name, ids, dtype=pl.String)
