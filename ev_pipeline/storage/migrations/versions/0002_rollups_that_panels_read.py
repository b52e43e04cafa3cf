"""Rollups that panels read: the network's days, users, codes, and the time that stations are taken.

The log gets the sessions' codes, and everything is folded anew at the next load.
"""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: Final = "0002"
down_revision: Final = "0001"

_CODES_OF_CHANGES: Final = (
    """
    update ev_session_change c set quality_codes = s.quality_codes
    from ev_session s where s.session_id = c.session_id and s.revision = c.revision
    """,
    """
    update ev_session_change c
    set quality_codes = array(select jsonb_array_elements_text(h.session -> 'quality_codes'))
    from ev_session_history h where h.session_id = c.session_id and h.revision = c.revision
    """,
)
"""Of what was taken back nobody knows them any more, and needs none: its two sides cancel."""

_FORGET_FOLDED: Final = (
    "delete from ev_rollup_network",
    "delete from ev_rollup_station",
    "delete from ev_reader where reader = 'rollups'",
)


def upgrade() -> None:
    """Bring the schema from `down_revision` to `revision`."""
    op.add_column(
        "ev_session_change",
        sa.Column(
            "quality_codes",
            postgresql.ARRAY(sa.Text()),
            comment="warnings and notes",
            nullable=True,
        ),
    )
    _create_rollups()
    op.create_index("ix_ev_session_ended_at", "ev_session", ["ended_at"])
    op.create_index(
        "ix_ev_quarantine_open",
        "ev_quarantine",
        ["started_at"],
        postgresql_include=["station_id", "origin", "codes"],
        postgresql_where=sa.text("state = 'open'"),
    )
    for statement in (*_CODES_OF_CHANGES, *_FORGET_FOLDED):
        op.execute(statement)


def _create_rollups() -> None:
    op.create_table(
        "ev_rollup_day",
        _key("day", sa.Date(), "day of plug-in, reporting zone"),
        _key("currency", sa.Text(), "of cost; empty where cost is null"),
        _count("n_sessions", "sessions that start then"),
        _sum("energy_kwh", "energy, kWh, exact"),
        _sum("duration_s", "plugged in, s, exact"),
        _count("n_charging", "sessions with a known charging duration"),
        _sum("charging_s", "charging, s, exact"),
        _sum("cost", "price in currency, exact"),
        sa.PrimaryKeyConstraint("day", "currency", name=op.f("pk_ev_rollup_day")),
        comment="The network by day of plug-in in the reporting zone",
    )
    op.create_table(
        "ev_rollup_user",
        _key("scope", sa.Text(), "operator"),
        _key("user_id", sa.Text(), "user"),
        _count("n_sessions", "sessions"),
        _sum("energy_kwh", "energy, kWh, exact"),
        sa.PrimaryKeyConstraint("scope", "user_id", name=op.f("pk_ev_rollup_user")),
        comment="Users by all that they charged",
    )
    op.create_table(
        "ev_rollup_code",
        _key("code", sa.Text(), "a warning or a note"),
        _count("n_sessions", "stored sessions that have it"),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_ev_rollup_code")),
        comment="Stored sessions by what is said of them",
    )
    op.create_table(
        "ev_rollup_occupancy",
        _key("scope", sa.Text(), "operator"),
        _key("station_id", sa.Text(), "charging station"),
        _key("day", sa.Date(), "a day, reporting zone"),
        _count(
            "n_unknown", "sessions that start then, of which nobody knows how long they occupied"
        ),
        _sum(
            "occupied_s",
            "to add to the day's plugged-in time, s, exact; negative where it went on after",
        ),
        _sum("charging_s", "the same of the charging time, s"),
        sa.PrimaryKeyConstraint("scope", "station_id", "day", name=op.f("pk_ev_rollup_occupancy")),
        comment="What splitting at midnight changes of stations' days in ev_rollup_station",
    )


def _key(name: str, kind: Any, comment: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, comment=comment)


def _count(name: str, comment: str) -> sa.Column[Any]:
    return sa.Column(
        name, sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment=comment
    )


def _sum(name: str, comment: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Numeric(), nullable=False, comment=comment)
