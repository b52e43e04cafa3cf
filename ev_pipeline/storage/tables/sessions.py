"""Tables of sessions: what is stored, and the revisions that corrections replaced."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from ev_pipeline.storage.tables.columns import NUMBER, TEXTS, TIME, metadata, number, text, time

_SESSION_WIRE: Final = (
    ("connector_id", sa.Text(), "what serves one vehicle at a time"),
    ("user_id", sa.Text(), "who charged, as the source names them"),
    ("charging_duration_h", NUMBER, "time in which energy flowed, h"),
    ("max_power_kw", NUMBER, "highest power, kW"),
    ("cost", NUMBER, "price in currency; null unknown or unpriced, 0 free"),
    ("currency", sa.Text(), "currency of cost, ISO 4217"),
    ("updated_at", TIME, "when the source last changed the session"),
    ("stop_reason", sa.Text(), "why the session ended"),
    ("error_code", sa.Text(), "the charger's error"),
    ("payment_method", sa.Text(), "how the session was paid or authorised"),
    ("vehicle_model", sa.Text(), "vehicle model"),
    ("battery_capacity_kwh", NUMBER, "battery capacity, kWh"),
    ("vehicle_age_years", NUMBER, "age of the vehicle, years"),
    ("distance_driven_km", NUMBER, "distance since the last charge, km"),
    ("soc_start_percent", NUMBER, "state of charge at plug-in, %"),
    ("soc_end_percent", NUMBER, "state of charge at plug-out, %"),
    ("temperature_c", NUMBER, "ambient temperature, °C"),
)

ev_session: Final = sa.Table(
    "ev_session",
    metadata,
    sa.Column("session_id", pg.UUID(), primary_key=True, comment="our id, a version 5 UUID"),
    sa.Column("revision", sa.Integer(), nullable=False, comment="1, and one more a correction"),
    text("scope", "operator within which ids are unique", required=True),
    text("source", "mapping or account it came by", required=True),
    text("source_session_id", "the source's own id"),
    text("station_id", "charging station", required=True),
    time("started_at", "plug-in", required=True),
    time("ended_at", "plug-out", required=True),
    sa.Column(
        "started_local_at",
        sa.DateTime(timezone=False),
        nullable=False,
        comment="plug-in on the station's own clock",
    ),
    sa.Column(
        "stated_weekday", sa.SmallInteger(), comment="1 Monday to 7 Sunday, as the source names it"
    ),
    number("energy_kwh", "energy delivered, kWh", required=True),
    *(sa.Column(name, kind, comment=comment) for name, kind, comment in _SESSION_WIRE),
    number("resolution_s", "to how many seconds its times are cut; null where they are not, s"),
    text("quality", "valid or warning", required=True),
    sa.Column("quality_codes", TEXTS, nullable=False, comment="warnings and notes"),
    text("door", "file, stream or replay", required=True),
    sa.Column("load_id", sa.BigInteger(), comment="the load that stored this revision"),
    time("received_at", "when this revision was received", required=True),
    sa.CheckConstraint("ended_at > started_at", name="ends_after_start"),
    sa.CheckConstraint("energy_kwh > 0", name="has_energy"),
    sa.CheckConstraint("quality in ('valid', 'warning')", name="quality"),
    sa.CheckConstraint("revision >= 1", name="revision"),
    # Narrow: each column costs every session that is written, and the scope tells nobody apart.
    # The connector, because a hub's other connectors would be read for each of its sessions.
    sa.Index("ix_ev_session_station", "station_id", "connector_id", "started_at"),
    sa.Index(
        "ix_ev_session_long",
        "station_id",
        "connector_id",
        "started_at",  # else the planner may prefer the larger index, which knows the time too
        postgresql_where=sa.text("ended_at - started_at > interval '48 hours'"),
    ),
    sa.Index("ix_ev_session_user", "user_id", postgresql_where=sa.text("user_id is not null")),
    sa.Index("ix_ev_session_ended_at", "ended_at"),
    comment="Every charging session that passed validation, once",
)

ev_session_history: Final = sa.Table(
    "ev_session_history",
    metadata,
    sa.Column("session_id", pg.UUID(), primary_key=True, comment="the session"),
    sa.Column("revision", sa.Integer(), primary_key=True, comment="the revision kept here"),
    sa.Column("load_id", sa.BigInteger(), comment="the load that stored that revision"),
    sa.Column("replaced_by_load", sa.BigInteger(), comment="the load that replaced it"),
    sa.Column("session", pg.JSONB(), nullable=False, comment="the whole row as it was"),
    comment="Revisions that a correction replaced, so that a load can be taken back",
)
