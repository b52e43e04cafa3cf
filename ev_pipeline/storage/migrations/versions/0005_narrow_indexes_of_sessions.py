"""Narrow indexes of sessions, and one of unfinished records: each column costs every write."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0005"
down_revision: Final = "0004"


def upgrade() -> None:
    """Bring the schema from `down_revision` to `revision`."""
    for index in ("ix_ev_session_connector", "ix_ev_session_long", "ix_ev_session_user"):
        op.drop_index(index, "ev_session")
    op.create_index("ix_ev_session_station", "ev_session", ["station_id", "started_at"])
    op.create_index(
        "ix_ev_session_long",
        "ev_session",
        ["station_id"],
        postgresql_where=sa.text("ended_at - started_at > interval '48 hours'"),
    )
    op.create_index(
        "ix_ev_session_user",
        "ev_session",
        ["user_id"],
        postgresql_where=sa.text("user_id is not null"),
    )
    op.create_index(
        "ix_ev_quarantine_unfinished",
        "ev_quarantine",
        ["session_id"],
        postgresql_where=sa.text("state = 'open' and 'not_finished' = any (codes)"),
    )
