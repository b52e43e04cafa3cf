"""What sessions say about persons is erased, wherever a table holds it.

What lives here: sessions, their former revisions, the change log, features, rollups. What does not:
quarantine (`quarantine_erasing`), models (`registry`), and the order of it all (`intake`).

Nobody may store sessions, take loads back or make features meanwhile. The change log is rewritten
in place: to log that a user went would keep the user. So sums by user lose what they had folded of
the rewritten rows, and the sessions' corrections, logged without a user, tell every other reader.
"""

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from ev_pipeline.domain.pseudonyms import PERSONAL_FIELDS
from ev_pipeline.storage.changes import CHANGED
from ev_pipeline.storage.corrections import correction
from ev_pipeline.storage.rollups import take_users_out


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose rows: all that meet a condition.

    Args:
        condition: SQL over `scope`, `user_id` and `ended_at`, which every row has.
        of_sessions: the same over `scope`, `ended_at` and what sessions say about persons.
        names: the values of their parameters.
    """

    condition: str
    of_sessions: str
    names: dict[str, Any]


_THEIRS: Final = "scope = :scope and user_id = any(:user_ids)"


def of_user(scope: str, user_ids: list[str]) -> Whose:
    """The rows of one user of an operator.

    Args:
        scope: the operator.
        user_ids: the names that the user has.
    """
    names = {"scope": scope, "user_ids": user_ids}
    return Whose(_THEIRS, _THEIRS, names)


def ended_before(before: object) -> Whose:
    """Everybody's rows of sessions that ended before the moment."""
    said = f"num_nonnulls({', '.join(PERSONAL_FIELDS)}) > 0 and ended_at < :before"
    return Whose("user_id is not null and ended_at < :before", said, {"before": before})


_NOTHING: Final = ", ".join(f"{name} = null" for name in PERSONAL_FIELDS)

_NOTHING_IN_JSON: Final = "{" + ", ".join(f'"{name}": null' for name in PERSONAL_FIELDS) + "}"

_WITHOUT_USER: Final = ", ".join(
    "cast(null as text) as user_id" if name == "user_id" else f"s.{name}"
    for name in CHANGED.replace(" ", "").split(",")
)

_ERASE: Final = correction(
    f"""
    select s.session_id, s.revision, {_WITHOUT_USER}
    from erased_session join ev_session s using (session_id)
    order by s.session_id
    for update of s
    """,  # noqa: S608 -- constant column names
    _NOTHING,
)

_LABELS: Final = """
    delete from ev_session_label where session_id in (select session_id from erased_session)
"""
"""A reason may tell what is usual of the user."""

_SESSION_FEATURES: Final = """
    update ev_session_features
    set user_id = null, user_n_sessions = null, user_mean_energy_kwh = null,
        user_mean_duration_h = null, user_mean_power_kw = null, user_n_stations = null
    where user_id is not null and
"""

_USER_FEATURES: Final = """
    delete from ev_user_features f
    using (select distinct scope, user_id from erased_session) e
    where f.scope = e.scope and f.user_id = e.user_id
"""

_OWNERS: Final = """
    select distinct scope, user_id from erased_session where user_id is not null order by 1, 2
"""

_SAID: Final = ", ".join(f"h.session ->> '{name}' as {name}" for name in PERSONAL_FIELDS)


def erase_persons(connection: sa.Connection, whose: Whose) -> dict[str, int]:
    """The rows say nothing about a person any more; returns how many there were of which kind."""
    where, names = whose.condition, whose.names

    def execute(statement: str) -> int:
        return connection.execute(sa.text(statement), names).rowcount

    take_users_out(connection, where, names)
    connection.execute(sa.text("drop table if exists erased_session"))
    execute(
        "create temp table erased_session on commit drop as"  # noqa: S608 -- our conditions
        f" select session_id, scope, user_id from ev_session where {whose.of_sessions}"
    )
    connection.execute(sa.text("analyze erased_session"))
    n_changes = execute(f"update ev_session_change set user_id = null where {where}")  # noqa: S608
    n_revisions = execute(f"""
        update ev_session_history h set session = h.session || '{_NOTHING_IN_JSON}'
        where exists (
            select from (
                select h.session ->> 'scope' as scope, {_SAID},
                    cast(h.session ->> 'ended_at' as timestamptz) as ended_at) r
            where {whose.of_sessions})
    """)  # noqa: S608 -- constant fragments
    n_sessions = connection.execute(_ERASE).rowcount // 2
    return {
        "sessions": n_sessions,
        "revisions": n_revisions,
        "changes": n_changes,
        "labels": connection.execute(sa.text(_LABELS)).rowcount,
        "session_features": execute(
            f"{_SESSION_FEATURES} session_id in (select session_id from erased_session)"  # noqa: S608 -- constant fragment
        ),
        "user_features": connection.execute(sa.text(_USER_FEATURES)).rowcount,
    }


def erase_features(connection: sa.Connection, scope: str, user_ids: list[str]) -> dict[str, int]:
    """No features tell of the user, whose sessions may be gone or another's since they were made.

    Returns:
        How many rows did, of which kind.
    """

    def execute(statement: str) -> int:
        return connection.execute(
            sa.text(f"{statement} {_THEIRS}"), {"scope": scope, "user_ids": user_ids}
        ).rowcount

    return {
        "session_features": execute(_SESSION_FEATURES),
        "user_features": execute("delete from ev_user_features where"),
    }


def erased_owners(connection: sa.Connection) -> list[tuple[str, str]]:
    """Scope and id of the users whose sessions `erase_persons` met, in the same transaction."""
    return [(row.scope, row.user_id) for row in connection.execute(sa.text(_OWNERS))]
