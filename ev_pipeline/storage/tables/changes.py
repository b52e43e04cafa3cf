"""Tables of the change log and of those who follow it."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from ev_pipeline.storage.tables.columns import TEXTS, Xid8, document, metadata, number, text, time

ev_session_change: Final = sa.Table(
    "ev_session_change",
    metadata,
    sa.Column(
        "xid",
        Xid8(),
        primary_key=True,
        server_default=sa.text("pg_current_xact_id()"),
        comment="transaction; readers take what lies below the oldest running one",
    ),
    sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    sa.Column("session_id", pg.UUID(), nullable=False, comment="the session"),
    sa.Column("revision", sa.Integer(), nullable=False, comment="the revision that came or went"),
    text("kind", "insert, correction or deletion", required=True),
    sa.Column(
        "sign",
        sa.SmallInteger(),
        nullable=False,
        comment="+1 these values came, -1 they went; a correction is one row of each",
    ),
    text("scope", "operator", required=True),
    text("station_id", "charging station", required=True),
    text("user_id", "who charged"),
    time("started_at", "plug-in", required=True),
    time("ended_at", "plug-out", required=True),
    number("energy_kwh", "energy, kWh", required=True),
    number("charging_duration_h", "time in which energy flowed, h"),
    number("cost", "price in currency"),
    text("currency", "currency of cost"),
    sa.Column("quality_codes", TEXTS, comment="warnings and notes"),
    sa.CheckConstraint("sign in (-1, 1)", name="sign"),
    sa.CheckConstraint("kind in ('insert', 'correction', 'deletion')", name="kind"),
    comment="What came into and went out of ev_session, in order; all else follows it",
)

ev_reader: Final = sa.Table(
    "ev_reader",
    metadata,
    sa.Column("reader", sa.Text(), primary_key=True, comment="who follows the change log"),
    sa.Column(
        "horizon",
        Xid8(),
        nullable=False,
        comment="every change of a transaction below this one is read",
    ),
    sa.Column("seq", sa.BigInteger(), nullable=False, comment="highest change read"),
    document("state", "what the reader must remember, e.g. the zone it formed days in", "{}"),
    time("read_at", "when it last read", required=True),
    comment="How far each reader of the change log has come",
)
