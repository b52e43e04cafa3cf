"""What a replay needs to know of a stream's record: no load says it."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004"
down_revision: Final = "0003"


def upgrade() -> None:
    """Bring the schema from `down_revision` to `revision`."""
    op.add_column(
        "ev_quarantine",
        sa.Column(
            "mapping",
            sa.Text(),
            comment="how a stream's record was read; a file's is with its load",
        ),
    )
    op.add_column(
        "ev_quarantine",
        sa.Column(
            "delivery_id",
            sa.Text(),
            comment="what names a stream's delivery where its times come from receipt",
        ),
    )
