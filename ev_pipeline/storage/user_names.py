"""Users under other names, wherever a table names them.

What lives here: who is named, and naming them anew in place. What does not: new names, and taking a
user out (`erasing`).
"""

from typing import Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.storage.bulk import copy_frame
from ev_pipeline.storage.rollups import keep_from_folding

_TABLES: Final = {
    "sessions": "ev_session",
    "changes": "ev_session_change",
    "sums": "ev_rollup_user",
    "user_features": "ev_user_features",
    "session_features": "ev_session_features",
}
"""Tables with the columns `scope` and `user_id`."""

_HISTORY: Final = "select session ->> 'scope', session ->> 'user_id' from ev_session_history"

_NAMED: Final = "\nunion\n".join(
    [*(f"select scope, user_id from {table}" for table in _TABLES.values()), _HISTORY]  # noqa: S608 -- our tables
)

_RENAME_REVISIONS: Final = sa.text("""
    update ev_session_history h
    set session = h.session || jsonb_build_object('user_id', r.new_id)
    from renamed_user r
    where h.session ->> 'scope' = r.scope and h.session ->> 'user_id' = r.user_id
""")


def named_users(connection: sa.Connection) -> list[tuple[str, str]]:
    """Scope and id of everybody whom a table names."""
    rows = connection.execute(sa.text(f"select * from ({_NAMED}) named (scope, user_id)"))  # noqa: S608 -- our tables
    return [(row.scope, row.user_id) for row in rows if row.user_id is not None]


def operators(connection: sa.Connection) -> list[str]:
    """Every operator of whom anything is stored, or was refused."""
    rows = connection.execute(
        sa.text("select scope from ev_station union select scope from ev_quarantine order by 1")
    )
    return list(rows.scalars())


def operators_of(connection: sa.Connection, user_ids: list[str]) -> list[str]:
    """The operators of whom a table names one of the users."""
    rows = connection.execute(
        sa.text(
            f"select distinct scope from ({_NAMED}) named (scope, user_id)"  # noqa: S608 -- our tables
            " where user_id = any(:user_ids) order by 1"
        ),
        {"user_ids": user_ids},
    )
    return list(rows.scalars())


def rename_everywhere(
    connection: sa.Connection, renamed: dict[tuple[str, str], str]
) -> dict[str, int]:
    """The users have their new names; returns how many rows named them, by what they are.

    Nobody may store sessions or make features meanwhile.

    Args:
        connection: the transaction.
        renamed: the new name by scope and id.
    """
    keep_from_folding(connection)
    connection.execute(
        sa.text(
            "create temp table renamed_user (scope text, user_id text, new_id text) on commit drop"
        )
    )
    names = [(scope, user_id, new_id) for (scope, user_id), new_id in renamed.items()]
    schema = dict.fromkeys(("scope", "user_id", "new_id"), pl.String)
    copy_frame(connection, "renamed_user", pl.DataFrame(names, schema=schema, orient="row"))
    connection.execute(sa.text("analyze renamed_user"))
    counts = {
        name: connection.execute(
            sa.text(
                f"update {table} t set user_id = r.new_id from renamed_user r"  # noqa: S608 -- our tables
                " where t.scope = r.scope and t.user_id = r.user_id"
            )
        ).rowcount
        for name, table in _TABLES.items()
    }
    return {**counts, "revisions": connection.execute(_RENAME_REVISIONS).rowcount}
