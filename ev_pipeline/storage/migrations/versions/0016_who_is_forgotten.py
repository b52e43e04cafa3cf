"""Users who are forgotten, the key of their hashes, what was erased; raw bytes may be gone."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: Final = "0016"
down_revision: Final = "0015"


def upgrade() -> None:
    """Bring the schema from `down_revision` to `revision`."""
    op.create_table(
        "ev_user_key",
        sa.Column(
            "place", sa.SmallInteger(), autoincrement=False, nullable=False, comment="always 1"
        ),
        sa.Column(
            "key_check",
            sa.Text(),
            nullable=False,
            comment="tells the key of users' ids from another; the key is a file",
        ),
        sa.Column(
            "is_hashing",
            sa.Boolean(),
            nullable=False,
            comment="whether users' ids are stored only as keyed hashes",
        ),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False, comment="when that began"),
        sa.CheckConstraint("place = 1", name=op.f("ck_ev_user_key_only_one")),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_ev_user_key")),
        comment="By which key users' ids are hashed; empty until one is needed",
    )
    op.create_table(
        "ev_forgotten_user",
        sa.Column("scope", sa.Text(), nullable=False, comment="operator"),
        sa.Column("user_hash", sa.Text(), nullable=False, comment="keyed hash of the user's id"),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.PrimaryKeyConstraint("scope", "user_hash", name=op.f("pk_ev_forgotten_user")),
        comment="Users whom nothing brings back: their records come without them",
    )
    op.create_table(
        "ev_erasure",
        sa.Column("erasure_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="forget, hash or retention"),
        sa.Column("scope", sa.Text(), nullable=True, comment="operator; null for all"),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.Column(
            "erased_by",
            sa.Text(),
            nullable=False,
            comment="who: a login name, or the schedule",
        ),
        sa.Column(
            "counts",
            postgresql.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="rows by what they are",
        ),
        sa.CheckConstraint(
            "kind in ('forget', 'hash', 'retention')", name=op.f("ck_ev_erasure_kind")
        ),
        sa.PrimaryKeyConstraint("erasure_id", name=op.f("pk_ev_erasure")),
        comment="What was erased when and by whom; whose it was is not kept",
    )
    op.alter_column(
        "ev_quarantine",
        "raw",
        existing_type=sa.LargeBinary(),
        nullable=True,
        comment="the record as it came; null where it is not kept",
        existing_comment="the record as it came",
    )
    op.alter_column(
        "ev_quarantine",
        "raw_sha256",
        existing_type=sa.Text(),
        existing_nullable=False,
        comment="SHA-256 of the raw record; keyed where that could tell of a user",
        existing_comment="SHA-256 of the raw record",
    )
