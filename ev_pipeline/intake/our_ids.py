"""Sessions that come back from an export, named by the id that they have here.

What lives here: telling that a record's own id is ours. What does not: how our ids are formed
(`ev_pipeline.domain.identity`), and all other ids (`delivery`).
"""

from typing import Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.identity import session_ids
from ev_pipeline.storage.known_sessions import stored_ids

_OUR_ID: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
"""How we write our ids: UUIDs version 5, which few sources use."""

_LENGTH: Final = 36
_VERSION_AT: Final = 14
"""Where the version stands in a UUID's letters."""


def may_be_ours(rows: pl.DataFrame) -> bool:
    """Whether any record's own id looks like one of ours, so that the database is asked."""
    # Not an expression: on a stream's one record that would take longer than all the rest here.
    return any(
        text is not None and len(text) == _LENGTH and text[_VERSION_AT] == "5"
        for text in rows["source_session_id"].to_list()
    )


def by_our_ids(connection: sa.Connection, rows: pl.DataFrame, *, scope: str) -> pl.DataFrame:
    """Records whose own id is that of a session here are that session, and have no id of their own.

    It is that session's id if station, connector and times give it, which anybody can check, or if
    the operator has a session that is stored under it. No other operator's is looked at, so nobody
    reaches further by it than by an own id.

    Args:
        connection: the load's transaction.
        rows: decoded sessions with their `session_id`.
        scope: the operator.
    """
    if not may_be_ours(rows):
        return rows
    named = rows.filter(pl.col("source_session_id").str.contains(_OUR_ID))
    known = _known(connection, named, scope)
    if not known:
        return rows
    is_ours = pl.col("source_session_id").is_in(known).fill_null(value=False)
    return rows.with_columns(
        pl.when(is_ours).then("source_session_id").otherwise("session_id").alias("session_id"),
        pl.when(~is_ours).then("source_session_id").alias("source_session_id"),
    )


def _known(connection: sa.Connection, named: pl.DataFrame, scope: str) -> list[str]:
    """The own ids of records that are ids of sessions here."""
    ours = named["source_session_id"].alias("session_id")
    anonymous = named.with_columns(pl.lit(None, pl.String).alias("source_session_id"))
    follows = pl.Series([False]).new_from_index(0, named.height)
    for key_has_end in (False, True):
        follows |= (session_ids(anonymous, scope=scope, key_has_end=key_has_end) == ours).fill_null(
            value=False
        )
    others = ours.filter(~follows).unique().to_list()
    stored = stored_ids(connection, others, scope=scope) if others else []
    return [*ours.filter(follows).unique(), *stored]
