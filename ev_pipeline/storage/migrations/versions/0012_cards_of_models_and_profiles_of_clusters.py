"""A model version carries its card, and the champion's clusters have profiles."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision: Final = "0012"
down_revision: Final = "0011"

_NUMBER: Final[sa.Double[float]] = sa.Double()


def upgrade() -> None:
    """Bring the schema from `down_revision` to `revision`."""
    op.add_column(
        "ev_model",
        sa.Column(
            "card", sa.Text(), comment="what it was made of, its gates and limits, in Markdown"
        ),
    )
    op.create_table(
        "ev_cluster_profile",
        sa.Column("model_version", sa.Text(), nullable=False, comment="the champion then"),
        sa.Column("kmeans_cluster", sa.SmallInteger(), nullable=False, comment="cluster, from 0"),
        sa.Column(
            "cluster_name",
            sa.Text(),
            nullable=False,
            comment="its name; its number where it deserves none",
        ),
        sa.Column("n_sessions", sa.BigInteger(), nullable=False, comment="labelled sessions"),
        sa.Column("share", _NUMBER, nullable=False, comment="of all labelled sessions"),
        sa.Column("start_hour", _NUMBER, nullable=False, comment="mean hour of plug-in, 0 to 24"),
        sa.Column("median_duration_h", _NUMBER, nullable=False, comment="plugged in, h"),
        sa.Column("median_energy_kwh", _NUMBER, nullable=False, comment="energy, kWh"),
        sa.Column(
            "median_power_kw", _NUMBER, nullable=False, comment="mean power of a session, kW"
        ),
        sa.Column("hour_shares", pg.ARRAY(_NUMBER), nullable=False, comment="by hour of plug-in"),
        sa.Column("weekday_shares", pg.ARRAY(_NUMBER), nullable=False, comment="from Monday"),
        sa.Column(
            "station_shares",
            pg.ARRAY(_NUMBER),
            nullable=False,
            comment="by the station's power: to 7.4, 22, 60 kW, over 60 kW, unknown",
        ),
        sa.PrimaryKeyConstraint(
            "model_version", "kmeans_cluster", name=op.f("pk_ev_cluster_profile")
        ),
        comment="What the sessions of each of the champion's clusters are like",
    )
