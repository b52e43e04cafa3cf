"""Names that tell users apart and nobody who they are, to whom the key is unknown.

What lives here: keyed hashes of users' ids and of records, and which fields say something about a
person. What does not: the key (`stack.user_key`), and when a hash stands for an id (`intake`).

References:
    RFC 2104 (HMAC), FIPS 180-4 (SHA-256).
"""

import hmac
import re
from typing import Final

PERSONAL_FIELDS: Final = (
    "user_id",
    "payment_method",
    "vehicle_model",
    "battery_capacity_kwh",
    "vehicle_age_years",
    "distance_driven_km",
)
"""What a session says about who charged: the id, how they were authorised, and their vehicle."""

PERSONAL_CODES: Final = ("malformed", "bad_value")
"""Reasons that quote what may have slipped from a field that says something about a person."""

_PREFIX: Final = "hashed-"
_HEX_DIGITS: Final = 32
"""128 bits: of a million users two have the same with probability 1e-27."""

_PSEUDONYM: Final = re.compile(rf"{_PREFIX}([0-9a-f]{{{_HEX_DIGITS}}})")
_SHORT_PREFIX: Final = "h-"
_SHORT: Final = re.compile(rf"{_SHORT_PREFIX}([0-9a-f]{{{_HEX_DIGITS}}})")
_KEYED: Final = "keyed-"
_CHECK_DIGITS: Final = 16


def pseudonym(key: bytes, scope: str, user_id: str) -> str:
    """The user's name under the key; a pseudonym is its own.

    Args:
        key: the secret.
        scope: the operator within which ids are unique.
        user_id: the id as the source writes it, or its pseudonym.
    """
    if is_pseudonym(user_id):
        return user_id
    return _PREFIX + _mac(key, "user", scope, user_id)[:_HEX_DIGITS]


def is_pseudonym(user_id: str) -> bool:
    """Whether the id is what `pseudonym` gives."""
    return _PSEUDONYM.fullmatch(user_id) is not None


def in_short(user_id: str) -> str:
    """A pseudonym in 34 letters, for formats that hold no 39; any other id as it is."""
    found = _PSEUDONYM.fullmatch(user_id)
    return user_id if found is None else _SHORT_PREFIX + found[1]


def in_full(user_id: str) -> str:
    """The pseudonym that `in_short` was given; any other id as it is."""
    found = _SHORT.fullmatch(user_id)
    return user_id if found is None else _PREFIX + found[1]


def keyed_digest(key: bytes, digest: str) -> str:
    """What stands for a record's digest where nobody may find the record by trying out ids."""
    return digest if digest.startswith(_KEYED) else _KEYED + _mac(key, "record", digest)


def key_check(key: bytes) -> str:
    """What tells one key from another and gives none away."""
    return _mac(key, "check")[:_CHECK_DIGITS]


def _mac(key: bytes, *parts: str) -> str:
    # Each with its length, so that no two lists of parts are written alike.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hmac.digest(key, text.encode(), "sha256").hex()
