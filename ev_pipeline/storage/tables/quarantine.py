"""Tables of refused records, and of where they were met."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from ev_pipeline.storage.tables.columns import TEXTS, metadata, text, time

ev_quarantine: Final = sa.Table(
    "ev_quarantine",
    metadata,
    sa.Column("quarantine_id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    text("scope", "operator", required=True),
    text("origin", "account or file source", required=True),
    text(
        "raw_sha256",
        "SHA-256 of the raw record; keyed where that could tell of a user",
        required=True,
    ),
    text("header_sha256", "SHA-256 of its file's header; null where the record names its fields"),
    sa.Column("raw", sa.LargeBinary(), comment="the record as it came; null where it is not kept"),
    sa.Column(
        "reasons", pg.JSONB(), nullable=False, comment="list of {code, field, value, message}"
    ),
    sa.Column("codes", TEXTS, nullable=False, comment="the reasons' codes"),
    text("state", "open, resolved by a replay, or superseded by a completed one", required=True),
    sa.Column("session_id", pg.UUID(), comment="our id, where it could be formed"),
    text("source_session_id", "the source's own id"),
    text("station_id", "charging station"),
    text("connector_id", "connector"),
    time("started_at", "plug-in, where readable"),
    time("ended_at", "plug-out, where readable"),
    time("first_seen_at", "when it first came", required=True),
    time("last_seen_at", "when it last came", required=True),
    sa.Column("times_seen", sa.BigInteger(), nullable=False, comment="how often it came"),
    sa.Column(
        "settled_by_load", sa.BigInteger(), comment="the load that resolved or superseded it"
    ),
    text("mapping", "how a stream's record was read; a file's is with its load"),
    text("delivery_id", "what names a stream's delivery where its times come from receipt"),
    sa.UniqueConstraint(
        *("scope", "origin", "raw_sha256", "header_sha256"), postgresql_nulls_not_distinct=True
    ),
    sa.CheckConstraint("state in ('open', 'resolved', 'superseded')", name="state"),
    sa.Index("ix_ev_quarantine_session_id", "session_id"),
    sa.Index(
        "ix_ev_quarantine_unfinished",
        "session_id",
        postgresql_where=sa.text("state = 'open' and 'not_finished' = any (codes)"),
    ),
    sa.Index("ix_ev_quarantine_started_at", "started_at"),
    sa.Index(
        "ix_ev_quarantine_open",
        "started_at",
        postgresql_include=["station_id", "origin", "codes"],
        postgresql_where=sa.text("state = 'open'"),
    ),
    comment="Records that were refused, with every reason and their raw bytes",
)

ev_quarantine_sighting: Final = sa.Table(
    "ev_quarantine_sighting",
    metadata,
    sa.Column("load_id", sa.BigInteger(), primary_key=True, comment="the load that met it"),
    sa.Column("line", sa.BigInteger(), primary_key=True, comment="line or element in the file"),
    sa.Column("quarantine_id", sa.BigInteger(), nullable=False, comment="the entry"),
    sa.Index("ix_ev_quarantine_sighting_quarantine_id", "quarantine_id"),
    comment="Where in which load a quarantined record was met",
)
