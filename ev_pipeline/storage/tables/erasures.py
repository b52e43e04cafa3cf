"""Tables of what must not be known any more, and of what was erased."""

from typing import Final

import sqlalchemy as sa

from ev_pipeline.storage.tables.columns import document, flag, metadata, text, time

ev_user_key: Final = sa.Table(
    "ev_user_key",
    metadata,
    sa.Column(
        "place", sa.SmallInteger(), primary_key=True, autoincrement=False, comment="always 1"
    ),
    text("key_check", "tells the key of users' ids from another; the key is a file", required=True),
    flag("is_hashing", "whether users' ids are stored only as keyed hashes"),
    time("since", "when that began", required=True),
    sa.CheckConstraint("place = 1", name="only_one"),
    comment="By which key users' ids are hashed; empty until one is needed",
)

ev_forgotten_user: Final = sa.Table(
    "ev_forgotten_user",
    metadata,
    sa.Column("scope", sa.Text(), primary_key=True, comment="operator"),
    sa.Column("user_hash", sa.Text(), primary_key=True, comment="keyed hash of the user's id"),
    time("forgotten_at", "when", required=True),
    comment="Users whom nothing brings back: their records come without them",
)

ev_erasure: Final = sa.Table(
    "ev_erasure",
    metadata,
    sa.Column("erasure_id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    text("kind", "forget, hash or retention", required=True),
    text("scope", "operator; null for all"),
    time("erased_at", "when", required=True),
    text("erased_by", "who: a login name, or the schedule", required=True),
    document("counts", "rows by what they are", "{}"),
    sa.CheckConstraint("kind in ('forget', 'hash', 'retention')", name="kind"),
    comment="What was erased when and by whom; whose it was is not kept",
)
