"""Sums of the champion's labels by month, and an index of anomalies: panels look at few rows."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0013"
down_revision: Final = "0012"


def upgrade() -> None:
    """Bring the schema from `down_revision` to `revision`."""
    op.create_table(
        "ev_label_sum",
        sa.Column("model_version", sa.Text(), nullable=False, comment="the champion"),
        sa.Column("month", sa.Date(), nullable=False, comment="month of plug-out, UTC"),
        sa.Column("kmeans_cluster", sa.SmallInteger(), nullable=False, comment="cluster, from 0"),
        sa.Column(
            "measure",
            sa.Text(),
            nullable=False,
            comment="session, noise, anomaly, reason, energy_kwh or duration_h",
        ),
        sa.Column(
            "key",
            sa.Text(),
            nullable=False,
            comment="code of a reason, bin of a quantity, or empty",
        ),
        sa.Column(
            "n",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="sessions",
        ),
        sa.Column("total", sa.Double(), nullable=False, comment="sum of the quantity in the bin"),
        sa.PrimaryKeyConstraint(
            *("model_version", "month", "kmeans_cluster", "measure", "key"),
            name=op.f("pk_ev_label_sum"),
        ),
        comment="Labels of the champion by month; months with changes are formed anew",
    )
    op.create_index(
        "ix_ev_session_label_anomaly",
        "ev_session_label",
        ["session_id"],
        postgresql_where=sa.text("is_anomaly"),
    )
