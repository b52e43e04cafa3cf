"""Sessions by station, connector and time: a hub of many connectors is not read whole for each."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0014"
down_revision: Final = "0013"

ON_CONNECTOR: Final = ["station_id", "connector_id", "started_at"]


def upgrade() -> None:
    """Bring the schema from `down_revision` to `revision`."""
    op.drop_index("ix_ev_session_station", "ev_session")
    op.create_index("ix_ev_session_station", "ev_session", ON_CONNECTOR)
    op.drop_index("ix_ev_session_long", "ev_session")
    op.create_index(
        "ix_ev_session_long",
        "ev_session",
        ON_CONNECTOR,
        postgresql_where=sa.text("ended_at - started_at > interval '48 hours'"),
    )
