"""How long vehicles stay after charging, in the rollups; everything is folded anew."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"

_MEASURED: Final = ("ev_rollup_network", "ev_rollup_day", "ev_rollup_station")
_ROLLUPS: Final = (*_MEASURED, "ev_rollup_user", "ev_rollup_code", "ev_rollup_occupancy")


def upgrade() -> None:
    """Bring the schema from `down_revision` to `revision`."""
    for table in _MEASURED:
        op.add_column(
            table,
            sa.Column(
                "n_idle",
                sa.BigInteger(),
                server_default=sa.text("0"),
                nullable=False,
                comment="sessions of which is known how long they stayed after charging",
            ),
        )
        op.add_column(
            table,
            sa.Column(
                "idle_s",
                sa.Numeric(),
                server_default=sa.text("0"),
                nullable=False,
                comment="plugged in and not charging, s, exact",
            ),
        )
    for table in _ROLLUPS:
        op.execute(f"delete from {table}")  # noqa: S608 -- constant names
    op.execute("delete from ev_reader where reader = 'rollups'")
