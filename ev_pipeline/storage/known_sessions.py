"""Which sessions of an operator are stored under ids of ours.

What lives here: the one question. What does not: what follows from the answer (`intake.our_ids`).
"""

from collections.abc import Collection
from typing import Final

import sqlalchemy as sa

_STORED: Final = sa.text("""
    select session_id::text from ev_session
    where session_id = any(cast(:session_ids as uuid[])) and scope = :scope
""")


def stored_ids(connection: sa.Connection, session_ids: Collection[str], *, scope: str) -> list[str]:
    """Those of the ids under which a session of the operator is stored.

    Args:
        connection: the load's transaction.
        session_ids: UUIDs as text.
        scope: the operator; another one's sessions are not told of.
    """
    asked = {"session_ids": list(session_ids), "scope": scope}
    return list(connection.execute(_STORED, asked).scalars())
