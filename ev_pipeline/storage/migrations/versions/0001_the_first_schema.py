"""The first schema."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

revision: Final = "0001"
down_revision: Final = None

LABELLED_VIEW: Final = """
    create view ev_session_labelled as
    select s.session_id, s.revision, s.scope, s.source, s.source_session_id, s.station_id,
        s.connector_id, s.user_id, s.started_at, s.ended_at, s.started_local_at,
        s.charging_duration_h, s.energy_kwh, s.max_power_kw, s.cost, s.currency, s.updated_at,
        s.stop_reason, s.error_code, s.payment_method, s.vehicle_model, s.battery_capacity_kwh,
        s.vehicle_age_years, s.distance_driven_km, s.soc_start_percent, s.soc_end_percent,
        s.temperature_c, s.quality, s.quality_codes, s.door, s.load_id, s.received_at,
        l.model_version, l.kmeans_cluster, l.dbscan_cluster,
        (select m.cluster_names from ev_model m where m.is_champion)
            ->> l.kmeans_cluster::text as cluster_name,
        l.anomaly_score, l.is_anomaly, l.anomaly_reasons, l.labelled_at, l.labelled_by
    from ev_session s
    left join ev_session_label l
        on l.model_version = (select m.version from ev_model m where m.is_champion)
        and l.session_id = s.session_id
        and l.session_revision = s.revision
"""
"""The champion is asked for once, so that only its partition is read."""


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in DDL."""
        return "xid8"


def upgrade() -> None:
    """Bring the schema from `down_revision` to `revision`."""
    op.create_table(
        "ev_ledger",
        sa.Column("day", sa.Date(), nullable=False, comment="day of receipt, reporting zone"),
        sa.Column("door", sa.Text(), nullable=False, comment="file, stream or replay"),
        sa.Column("source", sa.Text(), nullable=False, comment="mapping or account"),
        sa.Column(
            "received",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="records whose effect is committed",
        ),
        sa.Column(
            "stored",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="new in their table",
        ),
        sa.Column(
            "updated",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="replaced a stored record",
        ),
        sa.Column(
            "duplicate",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="already stored with the same content",
        ),
        sa.Column(
            "quarantined",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="refused, kept with their reasons",
        ),
        sa.CheckConstraint("door in ('file', 'stream', 'replay')", name=op.f("ck_ev_ledger_door")),
        sa.CheckConstraint(
            "received = stored + updated + duplicate + quarantined",
            name=op.f("ck_ev_ledger_adds_up"),
        ),
        sa.PrimaryKeyConstraint("day", "door", "source", name=op.f("pk_ev_ledger")),
        comment="What came in by which door, and what became of it",
    )
    op.create_table(
        "ev_load",
        sa.Column("load_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="name of the mapping"),
        sa.Column(
            "records",
            sa.Text(),
            nullable=False,
            comment="what the file holds: session, station or site",
        ),
        sa.Column("scope", sa.Text(), nullable=False, comment="operator whose records it holds"),
        sa.Column("door", sa.Text(), nullable=False, comment="file or replay"),
        sa.Column("path", sa.Text(), nullable=False, comment="the file as it was named"),
        sa.Column(
            "file_sha256", sa.Text(), nullable=True, comment="SHA-256 of the file's bytes as read"
        ),
        sa.Column(
            "mapping",
            sa.Text(),
            nullable=False,
            comment="the mapping's text, so that its records can be read again",
        ),
        sa.Column(
            "header", sa.LargeBinary(), nullable=True, comment="the file's header record, as it was"
        ),
        sa.Column("day", sa.Date(), nullable=False, comment="day of the ledger, reporting zone"),
        sa.Column(
            "started_at", sa.DateTime(timezone=True), nullable=False, comment="when the load began"
        ),
        sa.Column(
            "finished_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when it was committed",
        ),
        sa.Column(
            "undone_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was taken back; null while it stands",
        ),
        sa.Column(
            "received",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="records whose effect is committed",
        ),
        sa.Column(
            "stored",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="new in their table",
        ),
        sa.Column(
            "updated",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="replaced a stored record",
        ),
        sa.Column(
            "duplicate",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="already stored with the same content",
        ),
        sa.Column(
            "quarantined",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="refused, kept with their reasons",
        ),
        sa.Column(
            "reasons",
            postgresql.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="quarantined records by reason code",
        ),
        sa.Column(
            "warnings",
            postgresql.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="stored records by warning code",
        ),
        sa.Column(
            "notes",
            postgresql.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="stored records by note code",
        ),
        sa.Column(
            "duplicates_of",
            postgresql.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="duplicates by the load that had stored the session",
        ),
        sa.CheckConstraint(
            "received = stored + updated + duplicate + quarantined", name=op.f("ck_ev_load_adds_up")
        ),
        sa.PrimaryKeyConstraint("load_id", name=op.f("pk_ev_load")),
        comment="One row a file that was loaded, or a replay from quarantine",
    )
    op.create_table(
        "ev_model",
        sa.Column(
            "version", sa.Text(), nullable=False, comment="time of training and content hash"
        ),
        sa.Column(
            "trained_at", sa.DateTime(timezone=True), nullable=False, comment="when it was trained"
        ),
        sa.Column(
            "parameters",
            postgresql.JSONB(),
            nullable=False,
            comment="settings and seed of the training",
        ),
        sa.Column(
            "measures", postgresql.JSONB(), nullable=False, comment="what was measured of it"
        ),
        sa.Column(
            "verdict",
            sa.Text(),
            nullable=True,
            comment="structured, no structure, or null while none is given",
        ),
        sa.Column(
            "cluster_names",
            postgresql.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="names of the KMeans clusters by number",
        ),
        sa.Column("artifact", sa.LargeBinary(), nullable=False, comment="arrays (npz), no pickle"),
        sa.Column(
            "artifact_sha256",
            sa.Text(),
            nullable=False,
            comment="SHA-256 of the artifact, checked on load",
        ),
        sa.Column(
            "is_champion", sa.Boolean(), nullable=False, comment="whether its labels are shown"
        ),
        sa.Column(
            "promoted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it last became champion",
        ),
        sa.Column("reason", sa.Text(), nullable=True, comment="why it was promoted or not"),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_ev_model")),
        comment="Model versions: each bundles KMeans, DBSCAN and the isolation forest",
    )
    op.create_index(
        "uq_ev_model_champion",
        "ev_model",
        ["is_champion"],
        unique=True,
        postgresql_where=sa.text("is_champion"),
    )
    op.create_table(
        "ev_model_part",
        sa.Column(
            "training_id", sa.Text(), nullable=False, comment="the run that trains a version"
        ),
        sa.Column("part", sa.Text(), nullable=False, comment="kmeans, dbscan or isolation_forest"),
        sa.Column(
            "parameters", postgresql.JSONB(), nullable=False, comment="settings of the training"
        ),
        sa.Column("measures", postgresql.JSONB(), nullable=False, comment="what was measured"),
        sa.Column("artifact", sa.LargeBinary(), nullable=False, comment="arrays (npz)"),
        sa.Column("artifact_sha256", sa.Text(), nullable=False, comment="SHA-256 of the artifact"),
        sa.Column(
            "trained_at", sa.DateTime(timezone=True), nullable=False, comment="when it was trained"
        ),
        sa.PrimaryKeyConstraint("training_id", "part", name=op.f("pk_ev_model_part")),
        comment="Parts of a version that is being trained, until they are bundled",
    )
    op.create_table(
        "ev_quarantine",
        sa.Column("quarantine_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False, comment="operator"),
        sa.Column("origin", sa.Text(), nullable=False, comment="account or file source"),
        sa.Column("raw_sha256", sa.Text(), nullable=False, comment="SHA-256 of the raw record"),
        sa.Column("raw", sa.LargeBinary(), nullable=False, comment="the record as it came"),
        sa.Column(
            "reasons",
            postgresql.JSONB(),
            nullable=False,
            comment="list of {code, field, value, message}",
        ),
        sa.Column(
            "codes", postgresql.ARRAY(sa.Text()), nullable=False, comment="the reasons' codes"
        ),
        sa.Column(
            "state",
            sa.Text(),
            nullable=False,
            comment="open, resolved by a replay, or superseded by a completed one",
        ),
        sa.Column(
            "session_id", sa.UUID(), nullable=True, comment="our id, where it could be formed"
        ),
        sa.Column("source_session_id", sa.Text(), nullable=True, comment="the source's own id"),
        sa.Column("station_id", sa.Text(), nullable=True, comment="charging station"),
        sa.Column("connector_id", sa.Text(), nullable=True, comment="connector"),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="plug-in, where readable",
        ),
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="plug-out, where readable",
        ),
        sa.Column(
            "first_seen_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when it first came",
        ),
        sa.Column(
            "last_seen_at", sa.DateTime(timezone=True), nullable=False, comment="when it last came"
        ),
        sa.Column("times_seen", sa.BigInteger(), nullable=False, comment="how often it came"),
        sa.Column(
            "settled_by_load",
            sa.BigInteger(),
            nullable=True,
            comment="the load that resolved or superseded it",
        ),
        sa.CheckConstraint(
            "state in ('open', 'resolved', 'superseded')", name=op.f("ck_ev_quarantine_state")
        ),
        sa.PrimaryKeyConstraint("quarantine_id", name=op.f("pk_ev_quarantine")),
        sa.UniqueConstraint(
            "scope", "origin", "raw_sha256", name=op.f("uq_ev_quarantine_scope_origin_raw_sha256")
        ),
        comment="Records that were refused, with every reason and their raw bytes",
    )
    op.create_index("ix_ev_quarantine_session_id", "ev_quarantine", ["session_id"], unique=False)
    op.create_index("ix_ev_quarantine_started_at", "ev_quarantine", ["started_at"], unique=False)
    op.create_table(
        "ev_quarantine_sighting",
        sa.Column("load_id", sa.BigInteger(), nullable=False, comment="the load that met it"),
        sa.Column("line", sa.BigInteger(), nullable=False, comment="line or element in the file"),
        sa.Column("quarantine_id", sa.BigInteger(), nullable=False, comment="the entry"),
        sa.PrimaryKeyConstraint("load_id", "line", name=op.f("pk_ev_quarantine_sighting")),
        comment="Where in which load a quarantined record was met",
    )
    op.create_index(
        "ix_ev_quarantine_sighting_quarantine_id",
        "ev_quarantine_sighting",
        ["quarantine_id"],
        unique=False,
    )
    op.create_table(
        "ev_reader",
        sa.Column("reader", sa.Text(), nullable=False, comment="who follows the change log"),
        sa.Column(
            "horizon",
            Xid8(),
            nullable=False,
            comment="every change of a transaction below this one is read",
        ),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="highest change read"),
        sa.Column(
            "state",
            postgresql.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="what the reader must remember, e.g. the zone it formed days in",
        ),
        sa.Column(
            "read_at", sa.DateTime(timezone=True), nullable=False, comment="when it last read"
        ),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_ev_reader")),
        comment="How far each reader of the change log has come",
    )
    op.create_table(
        "ev_rollup_network",
        sa.Column(
            "quarter_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="start of the quarter-hour, UTC",
        ),
        sa.Column(
            "currency", sa.Text(), nullable=False, comment="of cost; empty where cost is null"
        ),
        sa.Column(
            "n_sessions",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="sessions that start then",
        ),
        sa.Column("energy_kwh", sa.Numeric(), nullable=False, comment="energy, kWh, exact"),
        sa.Column("duration_s", sa.Numeric(), nullable=False, comment="plugged in, s, exact"),
        sa.Column(
            "n_charging",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="sessions with a known charging duration",
        ),
        sa.Column("charging_s", sa.Numeric(), nullable=False, comment="charging, s, exact"),
        sa.Column("cost", sa.Numeric(), nullable=False, comment="price in currency, exact"),
        sa.PrimaryKeyConstraint("quarter_at", "currency", name=op.f("pk_ev_rollup_network")),
        comment="The network by quarter-hour of plug-in: any zone's days and hours can be formed",
    )
    op.create_table(
        "ev_rollup_station",
        sa.Column("scope", sa.Text(), nullable=False, comment="operator"),
        sa.Column("station_id", sa.Text(), nullable=False, comment="charging station"),
        sa.Column("day", sa.Date(), nullable=False, comment="day of plug-in, reporting zone"),
        sa.Column(
            "currency", sa.Text(), nullable=False, comment="of cost; empty where cost is null"
        ),
        sa.Column(
            "n_sessions",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="sessions that start then",
        ),
        sa.Column("energy_kwh", sa.Numeric(), nullable=False, comment="energy, kWh, exact"),
        sa.Column("duration_s", sa.Numeric(), nullable=False, comment="plugged in, s, exact"),
        sa.Column(
            "n_charging",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="sessions with a known charging duration",
        ),
        sa.Column("charging_s", sa.Numeric(), nullable=False, comment="charging, s, exact"),
        sa.Column("cost", sa.Numeric(), nullable=False, comment="price in currency, exact"),
        sa.PrimaryKeyConstraint(
            "scope", "station_id", "day", "currency", name=op.f("pk_ev_rollup_station")
        ),
        comment="Stations by day of plug-in in the reporting zone",
    )
    op.create_table(
        "ev_session",
        sa.Column("session_id", sa.UUID(), nullable=False, comment="our id, a version 5 UUID"),
        sa.Column("revision", sa.Integer(), nullable=False, comment="1, and one more a correction"),
        sa.Column(
            "scope", sa.Text(), nullable=False, comment="operator within which ids are unique"
        ),
        sa.Column("source", sa.Text(), nullable=False, comment="mapping or account it came by"),
        sa.Column("source_session_id", sa.Text(), nullable=True, comment="the source's own id"),
        sa.Column("station_id", sa.Text(), nullable=False, comment="charging station"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="plug-in"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False, comment="plug-out"),
        sa.Column(
            "started_local_at",
            sa.DateTime(),
            nullable=False,
            comment="plug-in on the station's own clock",
        ),
        sa.Column("energy_kwh", sa.Double(), nullable=False, comment="energy delivered, kWh"),
        sa.Column(
            "connector_id", sa.Text(), nullable=True, comment="what serves one vehicle at a time"
        ),
        sa.Column(
            "user_id", sa.Text(), nullable=True, comment="who charged, as the source names them"
        ),
        sa.Column(
            "charging_duration_h",
            sa.Double(),
            nullable=True,
            comment="time in which energy flowed, h",
        ),
        sa.Column("max_power_kw", sa.Double(), nullable=True, comment="highest power, kW"),
        sa.Column(
            "cost",
            sa.Double(),
            nullable=True,
            comment="price in currency; null unknown or unpriced, 0 free",
        ),
        sa.Column("currency", sa.Text(), nullable=True, comment="currency of cost, ISO 4217"),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the source last changed the session",
        ),
        sa.Column("stop_reason", sa.Text(), nullable=True, comment="why the session ended"),
        sa.Column("error_code", sa.Text(), nullable=True, comment="the charger's error"),
        sa.Column(
            "payment_method",
            sa.Text(),
            nullable=True,
            comment="how the session was paid or authorised",
        ),
        sa.Column("vehicle_model", sa.Text(), nullable=True, comment="vehicle model"),
        sa.Column(
            "battery_capacity_kwh", sa.Double(), nullable=True, comment="battery capacity, kWh"
        ),
        sa.Column(
            "vehicle_age_years", sa.Double(), nullable=True, comment="age of the vehicle, years"
        ),
        sa.Column(
            "distance_driven_km",
            sa.Double(),
            nullable=True,
            comment="distance since the last charge, km",
        ),
        sa.Column(
            "soc_start_percent", sa.Double(), nullable=True, comment="state of charge at plug-in, %"
        ),
        sa.Column(
            "soc_end_percent", sa.Double(), nullable=True, comment="state of charge at plug-out, %"
        ),
        sa.Column("temperature_c", sa.Double(), nullable=True, comment="ambient temperature, °C"),
        sa.Column("quality", sa.Text(), nullable=False, comment="valid or warning"),
        sa.Column(
            "quality_codes",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="warnings and notes",
        ),
        sa.Column("door", sa.Text(), nullable=False, comment="file, stream or replay"),
        sa.Column(
            "load_id", sa.BigInteger(), nullable=True, comment="the load that stored this revision"
        ),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when this revision was received",
        ),
        sa.CheckConstraint("quality in ('valid', 'warning')", name=op.f("ck_ev_session_quality")),
        sa.CheckConstraint("ended_at > started_at", name=op.f("ck_ev_session_ends_after_start")),
        sa.CheckConstraint("energy_kwh > 0", name=op.f("ck_ev_session_has_energy")),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_ev_session_revision")),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_ev_session")),
        comment="Every charging session that passed validation, once",
    )
    op.create_index(
        "ix_ev_session_connector",
        "ev_session",
        ["scope", "station_id", "connector_id", "started_at"],
        unique=False,
    )
    op.create_index(
        "ix_ev_session_long",
        "ev_session",
        ["scope", "station_id", "connector_id", "started_at"],
        unique=False,
        postgresql_where=sa.text("ended_at - started_at > interval '48 hours'"),
    )
    op.create_index(
        "ix_ev_session_user",
        "ev_session",
        ["scope", "user_id"],
        unique=False,
        postgresql_where=sa.text("user_id is not null"),
    )
    op.create_table(
        "ev_session_change",
        sa.Column(
            "xid",
            Xid8(),
            server_default=sa.text("pg_current_xact_id()"),
            nullable=False,
            comment="transaction; readers take what lies below the oldest running one",
        ),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("session_id", sa.UUID(), nullable=False, comment="the session"),
        sa.Column(
            "revision", sa.Integer(), nullable=False, comment="the revision that came or went"
        ),
        sa.Column("kind", sa.Text(), nullable=False, comment="insert, correction or deletion"),
        sa.Column(
            "sign",
            sa.SmallInteger(),
            nullable=False,
            comment="+1 these values came, -1 they went; a correction is one row of each",
        ),
        sa.Column("scope", sa.Text(), nullable=False, comment="operator"),
        sa.Column("station_id", sa.Text(), nullable=False, comment="charging station"),
        sa.Column("user_id", sa.Text(), nullable=True, comment="who charged"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="plug-in"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False, comment="plug-out"),
        sa.Column("energy_kwh", sa.Double(), nullable=False, comment="energy, kWh"),
        sa.Column(
            "charging_duration_h",
            sa.Double(),
            nullable=True,
            comment="time in which energy flowed, h",
        ),
        sa.Column("cost", sa.Double(), nullable=True, comment="price in currency"),
        sa.Column("currency", sa.Text(), nullable=True, comment="currency of cost"),
        sa.CheckConstraint(
            "kind in ('insert', 'correction', 'deletion')", name=op.f("ck_ev_session_change_kind")
        ),
        sa.CheckConstraint("sign in (-1, 1)", name=op.f("ck_ev_session_change_sign")),
        sa.PrimaryKeyConstraint("xid", "seq", name=op.f("pk_ev_session_change")),
        comment="What came into and went out of ev_session, in order; all else follows it",
    )
    op.create_table(
        "ev_session_features",
        sa.Column("session_id", sa.UUID(), nullable=False, comment="the session"),
        sa.Column("revision", sa.Integer(), nullable=False, comment="the revision described"),
        sa.Column("scope", sa.Text(), nullable=False, comment="operator"),
        sa.Column("station_id", sa.Text(), nullable=False, comment="charging station"),
        sa.Column("user_id", sa.Text(), nullable=True, comment="user"),
        sa.Column("quality", sa.Text(), nullable=False, comment="valid or warning"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="plug-in"),
        sa.Column(
            "start_hour",
            sa.Double(),
            nullable=False,
            comment="hour of plug-in on the station's clock, 0 to 24",
        ),
        sa.Column(
            "weekday",
            sa.SmallInteger(),
            nullable=False,
            comment="1 Monday to 7 Sunday, station's clock",
        ),
        sa.Column("duration_h", sa.Double(), nullable=False, comment="plugged in, h"),
        sa.Column(
            "charging_duration_h",
            sa.Double(),
            nullable=True,
            comment="charging, h; null where unknown",
        ),
        sa.Column("energy_kwh", sa.Double(), nullable=False, comment="energy, kWh"),
        sa.Column(
            "mean_power_kw",
            sa.Double(),
            nullable=False,
            comment="energy over charging time, else over plugged-in time, kW",
        ),
        sa.Column(
            "quality_codes",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="warnings and notes",
        ),
        sa.Column(
            "is_night", sa.SmallInteger(), nullable=False, comment="1 if it starts from 0 to 6"
        ),
        sa.Column(
            "is_morning", sa.SmallInteger(), nullable=False, comment="1 if it starts from 6 to 12"
        ),
        sa.Column(
            "is_afternoon",
            sa.SmallInteger(),
            nullable=False,
            comment="1 if it starts from 12 to 18",
        ),
        sa.Column(
            "is_evening", sa.SmallInteger(), nullable=False, comment="1 if it starts from 18 to 24"
        ),
        sa.Column("user_n_sessions", sa.BigInteger(), nullable=True, comment="the user's sessions"),
        sa.Column(
            "user_mean_energy_kwh",
            sa.Double(),
            nullable=True,
            comment="the user's mean energy, kWh",
        ),
        sa.Column(
            "user_mean_duration_h",
            sa.Double(),
            nullable=True,
            comment="the user's mean plugged-in time, h",
        ),
        sa.Column(
            "user_mean_power_kw", sa.Double(), nullable=True, comment="the user's mean power, kW"
        ),
        sa.Column(
            "user_n_stations",
            sa.BigInteger(),
            nullable=True,
            comment="the user's different stations",
        ),
        sa.Column(
            "station_n_sessions", sa.BigInteger(), nullable=False, comment="the station's sessions"
        ),
        sa.Column(
            "station_mean_energy_kwh",
            sa.Double(),
            nullable=False,
            comment="the station's mean energy, kWh",
        ),
        sa.Column(
            "station_mean_duration_h",
            sa.Double(),
            nullable=False,
            comment="the station's mean plugged-in time, h",
        ),
        sa.Column(
            "station_n_users",
            sa.BigInteger(),
            nullable=True,
            comment="the station's different users",
        ),
        sa.Column(
            "station_daily_energy_kwh",
            sa.Double(),
            nullable=False,
            comment="the station's energy a day, kWh",
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_ev_session_features")),
        comment="Each session's own features beside its user's and station's; what models train on",
    )
    op.create_table(
        "ev_session_history",
        sa.Column("session_id", sa.UUID(), nullable=False, comment="the session"),
        sa.Column("revision", sa.Integer(), nullable=False, comment="the revision kept here"),
        sa.Column(
            "load_id", sa.BigInteger(), nullable=True, comment="the load that stored that revision"
        ),
        sa.Column(
            "replaced_by_load", sa.BigInteger(), nullable=True, comment="the load that replaced it"
        ),
        sa.Column("session", postgresql.JSONB(), nullable=False, comment="the whole row as it was"),
        sa.PrimaryKeyConstraint("session_id", "revision", name=op.f("pk_ev_session_history")),
        comment="Revisions that a correction replaced, so that a load can be taken back",
    )
    op.create_table(
        "ev_session_label",
        sa.Column("model_version", sa.Text(), nullable=False, comment="the model that labelled"),
        sa.Column("session_id", sa.UUID(), nullable=False, comment="the session"),
        sa.Column(
            "session_revision", sa.Integer(), nullable=False, comment="the revision labelled"
        ),
        sa.Column("kmeans_cluster", sa.SmallInteger(), nullable=False, comment="cluster, from 0"),
        sa.Column(
            "dbscan_cluster", sa.SmallInteger(), nullable=False, comment="cluster, -1 for noise"
        ),
        sa.Column("anomaly_score", sa.Double(), nullable=False, comment="higher is odder"),
        sa.Column(
            "is_anomaly",
            sa.Boolean(),
            nullable=False,
            comment="score above the model's threshold, or a rule says so",
        ),
        sa.Column(
            "anomaly_reasons",
            postgresql.JSONB(),
            nullable=False,
            comment="list of {code, message, value, expected}",
        ),
        sa.Column(
            "labelled_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when it was labelled",
        ),
        sa.Column("labelled_by", sa.Text(), nullable=False, comment="stream or batch"),
        sa.PrimaryKeyConstraint("model_version", "session_id", name=op.f("pk_ev_session_label")),
        comment="What each model says of each session; one partition a model",
        postgresql_partition_by="LIST (model_version)",
    )
    op.create_table(
        "ev_site",
        sa.Column("scope", sa.Text(), nullable=False, comment="operator"),
        sa.Column(
            "site_key", sa.Text(), nullable=False, comment="name in small letters and digits"
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="name of the site"),
        sa.Column("latitude", sa.Double(), nullable=True, comment="degrees north, WGS 84"),
        sa.Column("longitude", sa.Double(), nullable=True, comment="degrees east, WGS 84"),
        sa.Column("address", sa.Text(), nullable=True, comment="postal address"),
        sa.Column("source", sa.Text(), nullable=False, comment="mapping it came by"),
        sa.Column("load_id", sa.BigInteger(), nullable=True, comment="the load that wrote it"),
        sa.PrimaryKeyConstraint("scope", "site_key", name=op.f("pk_ev_site")),
        comment="Places that a site registry names; stations with that name stand there",
    )
    op.create_table(
        "ev_site_history",
        sa.Column("scope", sa.Text(), nullable=False, comment="operator"),
        sa.Column("site_key", sa.Text(), nullable=False, comment="the site"),
        sa.Column("replaced_by_load", sa.BigInteger(), nullable=False, comment="what replaced it"),
        sa.Column("site", postgresql.JSONB(), nullable=False, comment="the whole row as it was"),
        sa.PrimaryKeyConstraint(
            "scope", "site_key", "replaced_by_load", name=op.f("pk_ev_site_history")
        ),
        comment="Site rows that a registry load replaced, so that it can be taken back",
    )
    op.create_table(
        "ev_station",
        sa.Column("scope", sa.Text(), nullable=False, comment="operator"),
        sa.Column("station_id", sa.Text(), nullable=False, comment="charging station"),
        sa.Column(
            "is_registered",
            sa.Boolean(),
            nullable=False,
            comment="whether a registry names it; else a session did",
        ),
        sa.Column("name", sa.Text(), nullable=True, comment="name of the station or its site"),
        sa.Column("latitude", sa.Double(), nullable=True, comment="degrees north, WGS 84"),
        sa.Column("longitude", sa.Double(), nullable=True, comment="degrees east, WGS 84"),
        sa.Column("power_kw", sa.Double(), nullable=True, comment="registered power, kW"),
        sa.Column(
            "connectors", sa.Integer(), nullable=True, comment="vehicles that can charge at once"
        ),
        sa.Column("time_zone", sa.Text(), nullable=True, comment="IANA time zone"),
        sa.Column("district", sa.Text(), nullable=True, comment="district"),
        sa.Column("municipality", sa.Text(), nullable=True, comment="municipality"),
        sa.Column("parish", sa.Text(), nullable=True, comment="parish"),
        sa.Column("address", sa.Text(), nullable=True, comment="postal address"),
        sa.Column(
            "site_key",
            sa.Text(),
            nullable=True,
            comment="the site that gave its coordinates; null where they are its own",
        ),
        sa.Column("source", sa.Text(), nullable=False, comment="mapping it came by"),
        sa.Column(
            "load_id",
            sa.BigInteger(),
            nullable=True,
            comment="the registry load that last wrote it",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when it was last written",
        ),
        sa.PrimaryKeyConstraint("scope", "station_id", name=op.f("pk_ev_station")),
        comment="Charging stations: registered ones, and those that only sessions name",
    )
    op.create_table(
        "ev_station_features",
        sa.Column("scope", sa.Text(), nullable=False, comment="operator"),
        sa.Column("station_id", sa.Text(), nullable=False, comment="charging station"),
        sa.Column(
            "n_sessions",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="sessions",
        ),
        sa.Column("total_energy_kwh", sa.Double(), nullable=False, comment="energy, kWh"),
        sa.Column("mean_energy_kwh", sa.Double(), nullable=False, comment="energy a session, kWh"),
        sa.Column(
            "mean_duration_h", sa.Double(), nullable=False, comment="plugged-in time a session, h"
        ),
        sa.Column(
            "n_users",
            sa.BigInteger(),
            nullable=True,
            comment="different users; null where none is named",
        ),
        sa.Column(
            "observed_days",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="days from the first to the last session, both counted",
        ),
        sa.Column(
            "daily_energy_kwh",
            sa.Double(),
            nullable=False,
            comment="energy over observed days, kWh a day",
        ),
        sa.Column(
            "weekly_energy_kwh",
            sa.Double(),
            nullable=False,
            comment="seven times the daily energy, kWh a week",
        ),
        sa.Column(
            "first_seen_at", sa.DateTime(timezone=True), nullable=False, comment="first plug-in"
        ),
        sa.Column(
            "last_seen_at", sa.DateTime(timezone=True), nullable=False, comment="last plug-in"
        ),
        sa.PrimaryKeyConstraint("scope", "station_id", name=op.f("pk_ev_station_features")),
        comment="What each station's sessions have in common",
    )
    op.create_table(
        "ev_station_history",
        sa.Column("scope", sa.Text(), nullable=False, comment="operator"),
        sa.Column("station_id", sa.Text(), nullable=False, comment="charging station"),
        sa.Column("replaced_by_load", sa.BigInteger(), nullable=False, comment="what replaced it"),
        sa.Column("station", postgresql.JSONB(), nullable=False, comment="the whole row as it was"),
        sa.PrimaryKeyConstraint(
            "scope", "station_id", "replaced_by_load", name=op.f("pk_ev_station_history")
        ),
        comment="Station rows that a registry load replaced, so that it can be taken back",
    )
    op.create_table(
        "ev_user_features",
        sa.Column("scope", sa.Text(), nullable=False, comment="operator"),
        sa.Column("user_id", sa.Text(), nullable=False, comment="user"),
        sa.Column(
            "n_sessions",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="sessions",
        ),
        sa.Column("total_energy_kwh", sa.Double(), nullable=False, comment="energy, kWh"),
        sa.Column("mean_energy_kwh", sa.Double(), nullable=False, comment="energy a session, kWh"),
        sa.Column(
            "mean_duration_h", sa.Double(), nullable=False, comment="plugged-in time a session, h"
        ),
        sa.Column(
            "mean_power_kw",
            sa.Double(),
            nullable=False,
            comment="mean of the sessions' mean powers, kW",
        ),
        sa.Column(
            "n_stations",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="different stations",
        ),
        sa.Column(
            "night_share",
            sa.Double(),
            nullable=False,
            comment="share of sessions that start from 0 to 6",
        ),
        sa.Column(
            "morning_share",
            sa.Double(),
            nullable=False,
            comment="share of sessions that start from 6 to 12",
        ),
        sa.Column(
            "afternoon_share",
            sa.Double(),
            nullable=False,
            comment="share of sessions that start from 12 to 18",
        ),
        sa.Column(
            "evening_share",
            sa.Double(),
            nullable=False,
            comment="share of sessions that start from 18 to 24",
        ),
        sa.Column(
            "preferred_period",
            sa.Text(),
            nullable=False,
            comment="period of day with most sessions; the earlier of equals",
        ),
        sa.Column(
            "first_seen_at", sa.DateTime(timezone=True), nullable=False, comment="first plug-in"
        ),
        sa.Column(
            "last_seen_at", sa.DateTime(timezone=True), nullable=False, comment="last plug-in"
        ),
        sa.PrimaryKeyConstraint("scope", "user_id", name=op.f("pk_ev_user_features")),
        comment="What each user's sessions have in common",
    )
    op.execute(LABELLED_VIEW)
    op.execute("comment on view ev_session_labelled is 'Sessions with the labels of the champion'")
