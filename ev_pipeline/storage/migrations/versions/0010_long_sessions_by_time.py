"""Long sessions by station and time: without the time the planner may read all others instead."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0010"
down_revision: Final = "0009"


def upgrade() -> None:
    """Bring the schema from `down_revision` to `revision`."""
    op.drop_index("ix_ev_session_long", "ev_session")
    op.create_index(
        "ix_ev_session_long",
        "ev_session",
        ["station_id", "started_at"],
        postgresql_where=sa.text("ended_at - started_at > interval '48 hours'"),
    )
