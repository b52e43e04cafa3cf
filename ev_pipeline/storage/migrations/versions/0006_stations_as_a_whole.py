"""Stations by all that happened there, in a rollup; everything is folded anew."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0006"
down_revision: Final = "0005"

_ROLLUPS: Final = (
    *("ev_rollup_network", "ev_rollup_day", "ev_rollup_station"),
    *("ev_rollup_user", "ev_rollup_code", "ev_rollup_occupancy"),
)


def upgrade() -> None:
    """Bring the schema from `down_revision` to `revision`."""
    op.create_table(
        "ev_rollup_station_whole",
        _key("scope", "operator"),
        _key("station_id", "charging station"),
        _key("currency", "of cost; empty where cost is null"),
        _count("n_sessions", "sessions that start then"),
        _sum("energy_kwh", "energy, kWh, exact"),
        _sum("duration_s", "plugged in, s, exact"),
        _count("n_charging", "sessions with a known charging duration"),
        _sum("charging_s", "charging, s, exact"),
        _sum("cost", "price in currency, exact"),
        _count("n_idle", "sessions of which is known how long they stayed after charging"),
        _sum("idle_s", "plugged in and not charging, s, exact", server_default=sa.text("0")),
        sa.PrimaryKeyConstraint(
            "scope", "station_id", "currency", name=op.f("pk_ev_rollup_station_whole")
        ),
        comment="Stations by all that happened there",
    )
    for table in _ROLLUPS:
        op.execute(f"delete from {table}")  # noqa: S608 -- constant names
    op.execute("delete from ev_reader where reader = 'rollups'")


def _key(name: str, comment: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False, comment=comment)


def _count(name: str, comment: str) -> sa.Column[Any]:
    return sa.Column(
        name, sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment=comment
    )


def _sum(name: str, comment: str, **given: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Numeric(), nullable=False, comment=comment, **given)
