"""Who is forgotten, by which key that is known, and the record of what was erased.

What lives here: reading and writing these tables. What does not: erasing (`erasing`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from ev_pipeline.storage.planned import planned
from ev_pipeline.storage.tables.erasures import ev_erasure, ev_forgotten_user, ev_user_key

_ONLY: Final = 1
_KNOWN_KEY: Final = planned("select key_check, is_hashing from ev_user_key")


@dataclass(frozen=True, slots=True)
class UserKey:
    """What the database knows of the key of users' ids.

    Args:
        check: tells it from another.
        is_hashing: whether ids are stored only as keyed hashes.
    """

    check: str
    is_hashing: bool


def known_key(connection: sa.Connection) -> UserKey | None:
    """The key that the database goes by; null where none was ever needed."""
    row = connection.execute(_KNOWN_KEY).one_or_none()
    return None if row is None else UserKey(*row)


def keep_key(connection: sa.Connection, key: UserKey, since: datetime) -> None:
    """The database goes by this key from now on."""
    values = {"key_check": key.check, "is_hashing": key.is_hashing, "since": since}
    connection.execute(
        pg.insert(ev_user_key)
        .values(place=_ONLY, **values)
        .on_conflict_do_update(index_elements=["place"], set_=values)
    )


def forgotten_among(
    connection: sa.Connection, scope: str, user_hashes: Collection[str]
) -> frozenset[str]:
    """Those of the hashes that are a forgotten user's."""
    asked = sa.any_(sa.literal(list(user_hashes), pg.ARRAY(sa.Text())))
    query = sa.select(ev_forgotten_user.c.user_hash).where(
        ev_forgotten_user.c.scope == scope, ev_forgotten_user.c.user_hash == asked
    )
    return frozenset(connection.execute(query).scalars())


def forgotten_of(connection: sa.Connection, scope: str) -> frozenset[str]:
    """The hashes of all forgotten users of the operator."""
    theirs = sa.select(ev_forgotten_user.c.user_hash).where(ev_forgotten_user.c.scope == scope)
    return frozenset(connection.execute(theirs).scalars())


def add_tombstone(
    connection: sa.Connection, scope: str, user_hash: str, forgotten_at: datetime
) -> bool:
    """The user is known as forgotten; returns whether that is news."""
    added = connection.execute(
        pg.insert(ev_forgotten_user)
        .values(scope=scope, user_hash=user_hash, forgotten_at=forgotten_at)
        .on_conflict_do_nothing()
    )
    return added.rowcount > 0


def record_erasure(
    connection: sa.Connection,
    kind: str,
    *,
    scope: str | None,
    at: datetime,
    by: str,
    counts: Mapping[str, int],
) -> None:
    """What was erased is on record, but not whose it was."""
    connection.execute(
        sa.insert(ev_erasure).values(
            kind=kind, scope=scope, erased_at=at, erased_by=by, counts=dict(counts)
        )
    )
