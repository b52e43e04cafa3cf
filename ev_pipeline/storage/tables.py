"""Every table, once: names, types, units, constraints and what each column means.

What lives here: the metadata from which migrations are checked and column docs are made.
What does not: the statements that read and write them.
"""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.types import UserDefinedType

metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id, which never wraps around."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in DDL."""
        return "xid8"


_TIME: Final = sa.DateTime(timezone=True)
_NUMBER: Final[sa.Double[float]] = sa.Double()
_TEXTS: Final = pg.ARRAY(sa.Text())


def _text(name: str, comment: str, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=not required, comment=comment)


def _number(name: str, comment: str, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, _NUMBER, nullable=not required, comment=comment)


def _time(name: str, comment: str, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, _TIME, nullable=not required, comment=comment)


def _count(name: str, comment: str) -> sa.Column[Any]:
    return sa.Column(
        name, sa.BigInteger(), nullable=False, server_default=sa.text("0"), comment=comment
    )


def _bool(name: str, comment: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False, comment=comment)


def _json(name: str, comment: str, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(
        name,
        pg.JSONB(),
        nullable=default is None,
        server_default=None if default is None else sa.text(f"'{default}'"),
        comment=comment,
    )


def _ledger_counts() -> list[sa.Column[Any]]:
    return [
        _count("received", "records whose effect is committed"),
        _count("stored", "new in their table"),
        _count("updated", "replaced a stored record"),
        _count("duplicate", "already stored with the same content"),
        _count("quarantined", "refused, kept with their reasons"),
    ]


_ADDS_UP: Final = "received = stored + updated + duplicate + quarantined"

ev_load: Final = sa.Table(
    "ev_load",
    metadata,
    sa.Column("load_id", sa.BigInteger(), sa.Identity(), primary_key=True),
    _text("source", "name of the mapping", required=True),
    _text("records", "what the file holds: session, station or site", required=True),
    _text("scope", "operator whose records it holds", required=True),
    _text("door", "file or replay", required=True),
    _text("path", "the file as it was named", required=True),
    _text("file_sha256", "SHA-256 of the file's bytes as read"),
    _text("mapping", "the mapping's text, so that its records can be read again", required=True),
    sa.Column("header", sa.LargeBinary(), comment="the file's header record, as it was"),
    sa.Column("day", sa.Date(), nullable=False, comment="day of the ledger, reporting zone"),
    _time("started_at", "when the load began", required=True),
    _time("finished_at", "when it was committed", required=True),
    _time("undone_at", "when it was taken back; null while it stands"),
    *_ledger_counts(),
    _json("reasons", "quarantined records by reason code", "{}"),
    _json("warnings", "stored records by warning code", "{}"),
    _json("notes", "stored records by note code", "{}"),
    _json("duplicates_of", "duplicates by the load that had stored the session", "{}"),
    sa.CheckConstraint(_ADDS_UP, name="adds_up"),
    comment="One row a file that was loaded, or a replay from quarantine",
)

ev_ledger: Final = sa.Table(
    "ev_ledger",
    metadata,
    sa.Column("day", sa.Date(), primary_key=True, comment="day of receipt, reporting zone"),
    sa.Column("door", sa.Text(), primary_key=True, comment="file, stream or replay"),
    sa.Column("source", sa.Text(), primary_key=True, comment="mapping or account"),
    *_ledger_counts(),
    sa.CheckConstraint(_ADDS_UP, name="adds_up"),
    sa.CheckConstraint("door in ('file', 'stream', 'replay')", name="door"),
    comment="What came in by which door, and what became of it",
)

_SESSION_WIRE: Final = (
    ("connector_id", sa.Text(), "what serves one vehicle at a time"),
    ("user_id", sa.Text(), "who charged, as the source names them"),
    ("charging_duration_h", _NUMBER, "time in which energy flowed, h"),
    ("max_power_kw", _NUMBER, "highest power, kW"),
    ("cost", _NUMBER, "price in currency; null unknown or unpriced, 0 free"),
    ("currency", sa.Text(), "currency of cost, ISO 4217"),
    ("updated_at", _TIME, "when the source last changed the session"),
    ("stop_reason", sa.Text(), "why the session ended"),
    ("error_code", sa.Text(), "the charger's error"),
    ("payment_method", sa.Text(), "how the session was paid or authorised"),
    ("vehicle_model", sa.Text(), "vehicle model"),
    ("battery_capacity_kwh", _NUMBER, "battery capacity, kWh"),
    ("vehicle_age_years", _NUMBER, "age of the vehicle, years"),
    ("distance_driven_km", _NUMBER, "distance since the last charge, km"),
    ("soc_start_percent", _NUMBER, "state of charge at plug-in, %"),
    ("soc_end_percent", _NUMBER, "state of charge at plug-out, %"),
    ("temperature_c", _NUMBER, "ambient temperature, °C"),
)

ev_session: Final = sa.Table(
    "ev_session",
    metadata,
    sa.Column("session_id", pg.UUID(), primary_key=True, comment="our id, a version 5 UUID"),
    sa.Column("revision", sa.Integer(), nullable=False, comment="1, and one more a correction"),
    _text("scope", "operator within which ids are unique", required=True),
    _text("source", "mapping or account it came by", required=True),
    _text("source_session_id", "the source's own id"),
    _text("station_id", "charging station", required=True),
    _time("started_at", "plug-in", required=True),
    _time("ended_at", "plug-out", required=True),
    sa.Column(
        "started_local_at",
        sa.DateTime(timezone=False),
        nullable=False,
        comment="plug-in on the station's own clock",
    ),
    sa.Column(
        "stated_weekday", sa.SmallInteger(), comment="1 Monday to 7 Sunday, as the source names it"
    ),
    _number("energy_kwh", "energy delivered, kWh", required=True),
    *(sa.Column(name, kind, comment=comment) for name, kind, comment in _SESSION_WIRE),
    _text("quality", "valid or warning", required=True),
    sa.Column("quality_codes", _TEXTS, nullable=False, comment="warnings and notes"),
    _text("door", "file, stream or replay", required=True),
    sa.Column("load_id", sa.BigInteger(), comment="the load that stored this revision"),
    _time("received_at", "when this revision was received", required=True),
    sa.CheckConstraint("ended_at > started_at", name="ends_after_start"),
    sa.CheckConstraint("energy_kwh > 0", name="has_energy"),
    sa.CheckConstraint("quality in ('valid', 'warning')", name="quality"),
    sa.CheckConstraint("revision >= 1", name="revision"),
    # Narrow: each column costs every session that is written, and the scope tells nobody apart.
    sa.Index("ix_ev_session_station", "station_id", "started_at"),
    sa.Index(
        "ix_ev_session_long",
        "station_id",
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
    _text("kind", "insert, correction or deletion", required=True),
    sa.Column(
        "sign",
        sa.SmallInteger(),
        nullable=False,
        comment="+1 these values came, -1 they went; a correction is one row of each",
    ),
    _text("scope", "operator", required=True),
    _text("station_id", "charging station", required=True),
    _text("user_id", "who charged"),
    _time("started_at", "plug-in", required=True),
    _time("ended_at", "plug-out", required=True),
    _number("energy_kwh", "energy, kWh", required=True),
    _number("charging_duration_h", "time in which energy flowed, h"),
    _number("cost", "price in currency"),
    _text("currency", "currency of cost"),
    sa.Column("quality_codes", _TEXTS, comment="warnings and notes"),
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
    _json("state", "what the reader must remember, e.g. the zone it formed days in", "{}"),
    _time("read_at", "when it last read", required=True),
    comment="How far each reader of the change log has come",
)


def _rollup_measures() -> list[sa.Column[Any]]:
    return [
        _count("n_sessions", "sessions that start then"),
        sa.Column("energy_kwh", sa.Numeric(), nullable=False, comment="energy, kWh, exact"),
        sa.Column("duration_s", sa.Numeric(), nullable=False, comment="plugged in, s, exact"),
        _count("n_charging", "sessions with a known charging duration"),
        sa.Column("charging_s", sa.Numeric(), nullable=False, comment="charging, s, exact"),
        sa.Column("cost", sa.Numeric(), nullable=False, comment="price in currency, exact"),
        _count("n_idle", "sessions of which is known how long they stayed after charging"),
        sa.Column(
            "idle_s",
            sa.Numeric(),
            nullable=False,
            server_default=sa.text("0"),
            comment="plugged in and not charging, s, exact",
        ),
    ]


ev_rollup_network: Final = sa.Table(
    "ev_rollup_network",
    metadata,
    sa.Column("quarter_at", _TIME, primary_key=True, comment="start of the quarter-hour, UTC"),
    sa.Column("currency", sa.Text(), primary_key=True, comment="of cost; empty where cost is null"),
    *_rollup_measures(),
    comment="The network by quarter-hour of plug-in: any zone's days and hours can be formed",
)

ev_rollup_station: Final = sa.Table(
    "ev_rollup_station",
    metadata,
    sa.Column("scope", sa.Text(), primary_key=True, comment="operator"),
    sa.Column("station_id", sa.Text(), primary_key=True, comment="charging station"),
    sa.Column("day", sa.Date(), primary_key=True, comment="day of plug-in, reporting zone"),
    sa.Column("currency", sa.Text(), primary_key=True, comment="of cost; empty where cost is null"),
    *_rollup_measures(),
    comment="Stations by day of plug-in in the reporting zone",
)

ev_rollup_day: Final = sa.Table(
    "ev_rollup_day",
    metadata,
    sa.Column("day", sa.Date(), primary_key=True, comment="day of plug-in, reporting zone"),
    sa.Column("currency", sa.Text(), primary_key=True, comment="of cost; empty where cost is null"),
    *_rollup_measures(),
    comment="The network by day of plug-in in the reporting zone",
)

ev_rollup_station_whole: Final = sa.Table(
    "ev_rollup_station_whole",
    metadata,
    sa.Column("scope", sa.Text(), primary_key=True, comment="operator"),
    sa.Column("station_id", sa.Text(), primary_key=True, comment="charging station"),
    sa.Column("currency", sa.Text(), primary_key=True, comment="of cost; empty where cost is null"),
    *_rollup_measures(),
    comment="Stations by all that happened there",
)

ev_rollup_user: Final = sa.Table(
    "ev_rollup_user",
    metadata,
    sa.Column("scope", sa.Text(), primary_key=True, comment="operator"),
    sa.Column("user_id", sa.Text(), primary_key=True, comment="user"),
    _count("n_sessions", "sessions"),
    sa.Column("energy_kwh", sa.Numeric(), nullable=False, comment="energy, kWh, exact"),
    comment="Users by all that they charged",
)

ev_rollup_code: Final = sa.Table(
    "ev_rollup_code",
    metadata,
    sa.Column("code", sa.Text(), primary_key=True, comment="a warning or a note"),
    _count("n_sessions", "stored sessions that have it"),
    comment="Stored sessions by what is said of them",
)

ev_rollup_occupancy: Final = sa.Table(
    "ev_rollup_occupancy",
    metadata,
    sa.Column("scope", sa.Text(), primary_key=True, comment="operator"),
    sa.Column("station_id", sa.Text(), primary_key=True, comment="charging station"),
    sa.Column("day", sa.Date(), primary_key=True, comment="a day, reporting zone"),
    _count("n_unknown", "sessions that start then, of which nobody knows how long they occupied"),
    sa.Column(
        "occupied_s",
        sa.Numeric(),
        nullable=False,
        comment="to add to the day's plugged-in time, s, exact; negative where it went on after",
    ),
    sa.Column(
        "charging_s", sa.Numeric(), nullable=False, comment="the same of the charging time, s"
    ),
    comment="What splitting at midnight changes of stations' days in ev_rollup_station",
)

ev_station: Final = sa.Table(
    "ev_station",
    metadata,
    sa.Column("scope", sa.Text(), primary_key=True, comment="operator"),
    sa.Column("station_id", sa.Text(), primary_key=True, comment="charging station"),
    _bool("is_registered", "whether a registry names it; else a session did"),
    _text("name", "name of the station or its site"),
    _number("latitude", "degrees north, WGS 84"),
    _number("longitude", "degrees east, WGS 84"),
    _number("power_kw", "registered power, kW"),
    sa.Column("connectors", sa.Integer(), comment="vehicles that can charge at once"),
    _text("time_zone", "IANA time zone: of those in ev_station_zone the one that holds"),
    _text("district", "district"),
    _text("municipality", "municipality"),
    _text("parish", "parish"),
    _text("address", "postal address"),
    _text("site_key", "the site that gave its coordinates; null where they are its own"),
    _text("source", "mapping it came by", required=True),
    sa.Column("load_id", sa.BigInteger(), comment="the registry load that last wrote it"),
    _time("updated_at", "when it was last written", required=True),
    comment="Charging stations: registered ones, and those that only sessions name",
)

ev_station_history: Final = sa.Table(
    "ev_station_history",
    metadata,
    sa.Column("scope", sa.Text(), primary_key=True, comment="operator"),
    sa.Column("station_id", sa.Text(), primary_key=True, comment="charging station"),
    sa.Column("replaced_by_load", sa.BigInteger(), primary_key=True, comment="what replaced it"),
    sa.Column("station", pg.JSONB(), nullable=False, comment="the whole row as it was"),
    comment="Station rows that a registry load replaced, so that it can be taken back",
)

ev_station_zone: Final = sa.Table(
    "ev_station_zone",
    metadata,
    sa.Column("scope", sa.Text(), primary_key=True, comment="operator"),
    sa.Column("station_id", sa.Text(), primary_key=True, comment="charging station"),
    sa.Column(
        "load_id",
        sa.BigInteger(),
        primary_key=True,
        autoincrement=False,
        comment="the load whose records told it; 0 for the stream",
    ),
    _text("time_zone", "IANA time zone", required=True),
    _bool("is_from_registry", "whether a registry told it; else session records"),
    sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), comment="the order of telling"),
    comment="Who told which time zone of a station, so that a load can be taken back",
)

ev_site: Final = sa.Table(
    "ev_site",
    metadata,
    sa.Column("scope", sa.Text(), primary_key=True, comment="operator"),
    sa.Column("site_key", sa.Text(), primary_key=True, comment="name in small letters and digits"),
    _text("name", "name of the site", required=True),
    _number("latitude", "degrees north, WGS 84"),
    _number("longitude", "degrees east, WGS 84"),
    _text("address", "postal address"),
    _text("source", "mapping it came by", required=True),
    sa.Column("load_id", sa.BigInteger(), comment="the load that wrote it"),
    comment="Places that a site registry names; stations with that name stand there",
)

ev_site_history: Final = sa.Table(
    "ev_site_history",
    metadata,
    sa.Column("scope", sa.Text(), primary_key=True, comment="operator"),
    sa.Column("site_key", sa.Text(), primary_key=True, comment="the site"),
    sa.Column("replaced_by_load", sa.BigInteger(), primary_key=True, comment="what replaced it"),
    sa.Column("site", pg.JSONB(), nullable=False, comment="the whole row as it was"),
    comment="Site rows that a registry load replaced, so that it can be taken back",
)

ev_quarantine: Final = sa.Table(
    "ev_quarantine",
    metadata,
    sa.Column("quarantine_id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    _text("scope", "operator", required=True),
    _text("origin", "account or file source", required=True),
    _text("raw_sha256", "SHA-256 of the raw record, a row's with its header", required=True),
    sa.Column("raw", sa.LargeBinary(), nullable=False, comment="the record as it came"),
    sa.Column(
        "reasons", pg.JSONB(), nullable=False, comment="list of {code, field, value, message}"
    ),
    sa.Column("codes", _TEXTS, nullable=False, comment="the reasons' codes"),
    _text("state", "open, resolved by a replay, or superseded by a completed one", required=True),
    sa.Column("session_id", pg.UUID(), comment="our id, where it could be formed"),
    _text("source_session_id", "the source's own id"),
    _text("station_id", "charging station"),
    _text("connector_id", "connector"),
    _time("started_at", "plug-in, where readable"),
    _time("ended_at", "plug-out, where readable"),
    _time("first_seen_at", "when it first came", required=True),
    _time("last_seen_at", "when it last came", required=True),
    sa.Column("times_seen", sa.BigInteger(), nullable=False, comment="how often it came"),
    sa.Column(
        "settled_by_load", sa.BigInteger(), comment="the load that resolved or superseded it"
    ),
    _text("mapping", "how a stream's record was read; a file's is with its load"),
    _text("delivery_id", "what names a stream's delivery where its times come from receipt"),
    sa.UniqueConstraint("scope", "origin", "raw_sha256"),
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

ev_model: Final = sa.Table(
    "ev_model",
    metadata,
    sa.Column("version", sa.Text(), primary_key=True, comment="time of training and content hash"),
    _time("trained_at", "when it was trained", required=True),
    sa.Column(
        "parameters", pg.JSONB(), nullable=False, comment="settings and seed of the training"
    ),
    sa.Column("measures", pg.JSONB(), nullable=False, comment="what was measured of it"),
    _text("verdict", "structured, no structure, or null while none is given"),
    _json("cluster_names", "names of the KMeans clusters by number", "{}"),
    sa.Column("artifact", sa.LargeBinary(), nullable=False, comment="arrays (npz), no pickle"),
    _text("artifact_sha256", "SHA-256 of the artifact, checked on load", required=True),
    _bool("is_champion", "whether its labels are shown"),
    _time("promoted_at", "when it last became champion"),
    _text("reason", "why it was promoted or not"),
    sa.Index(
        "uq_ev_model_champion",
        "is_champion",
        unique=True,
        postgresql_where=sa.text("is_champion"),
    ),
    comment="Model versions: each bundles KMeans, DBSCAN and the isolation forest",
)

ev_model_part: Final = sa.Table(
    "ev_model_part",
    metadata,
    sa.Column("training_id", sa.Text(), primary_key=True, comment="the run that trains a version"),
    sa.Column("part", sa.Text(), primary_key=True, comment="kmeans, dbscan or isolation_forest"),
    sa.Column("parameters", pg.JSONB(), nullable=False, comment="settings of the training"),
    sa.Column("measures", pg.JSONB(), nullable=False, comment="what was measured"),
    sa.Column("artifact", sa.LargeBinary(), nullable=False, comment="arrays (npz)"),
    _text("artifact_sha256", "SHA-256 of the artifact", required=True),
    _time("trained_at", "when it was trained", required=True),
    comment="Parts of a version that is being trained, until they are bundled",
)

ev_session_label: Final = sa.Table(
    "ev_session_label",
    metadata,
    sa.Column("model_version", sa.Text(), primary_key=True, comment="the model that labelled"),
    sa.Column("session_id", pg.UUID(), primary_key=True, comment="the session"),
    sa.Column("session_revision", sa.Integer(), nullable=False, comment="the revision labelled"),
    sa.Column("kmeans_cluster", sa.SmallInteger(), nullable=False, comment="cluster, from 0"),
    sa.Column("dbscan_cluster", sa.SmallInteger(), nullable=False, comment="cluster, -1 for noise"),
    sa.Column("anomaly_score", _NUMBER, nullable=False, comment="higher is odder"),
    _bool("is_anomaly", "score above the model's threshold, or a rule says so"),
    sa.Column(
        "anomaly_reasons",
        pg.JSONB(),
        nullable=False,
        comment="list of {code, message, value, expected}",
    ),
    _time("labelled_at", "when it was labelled", required=True),
    _text("labelled_by", "stream or batch", required=True),
    postgresql_partition_by="LIST (model_version)",
    comment="What each model says of each session; one partition a model",
)

ev_user_features: Final = sa.Table(
    "ev_user_features",
    metadata,
    sa.Column("scope", sa.Text(), primary_key=True, comment="operator"),
    sa.Column("user_id", sa.Text(), primary_key=True, comment="user"),
    _count("n_sessions", "sessions"),
    _number("total_energy_kwh", "energy, kWh", required=True),
    _number("mean_energy_kwh", "energy a session, kWh", required=True),
    _number("mean_duration_h", "plugged-in time a session, h", required=True),
    _number("mean_power_kw", "mean of the sessions' mean powers, kW", required=True),
    _count("n_stations", "different stations"),
    _number("night_share", "share of sessions that start from 0 to 6", required=True),
    _number("morning_share", "share of sessions that start from 6 to 12", required=True),
    _number("afternoon_share", "share of sessions that start from 12 to 18", required=True),
    _number("evening_share", "share of sessions that start from 18 to 24", required=True),
    _text(
        "preferred_period", "period of day with most sessions; the earlier of equals", required=True
    ),
    _time("first_seen_at", "first plug-in", required=True),
    _time("last_seen_at", "last plug-in", required=True),
    comment="What each user's sessions have in common",
)

ev_station_features: Final = sa.Table(
    "ev_station_features",
    metadata,
    sa.Column("scope", sa.Text(), primary_key=True, comment="operator"),
    sa.Column("station_id", sa.Text(), primary_key=True, comment="charging station"),
    _count("n_sessions", "sessions"),
    _number("total_energy_kwh", "energy, kWh", required=True),
    _number("mean_energy_kwh", "energy a session, kWh", required=True),
    _number("mean_duration_h", "plugged-in time a session, h", required=True),
    sa.Column("n_users", sa.BigInteger(), comment="different users; null where none is named"),
    _count("observed_days", "days from the first to the last session, both counted"),
    _number("daily_energy_kwh", "energy over observed days, kWh a day", required=True),
    _number("weekly_energy_kwh", "seven times the daily energy, kWh a week", required=True),
    _time("first_seen_at", "first plug-in", required=True),
    _time("last_seen_at", "last plug-in", required=True),
    comment="What each station's sessions have in common",
)

ev_session_features: Final = sa.Table(
    "ev_session_features",
    metadata,
    sa.Column("session_id", pg.UUID(), primary_key=True, comment="the session"),
    sa.Column("revision", sa.Integer(), nullable=False, comment="the revision described"),
    _text("scope", "operator", required=True),
    _text("station_id", "charging station", required=True),
    _text("user_id", "user"),
    _text("quality", "valid or warning", required=True),
    _time("started_at", "plug-in", required=True),
    _number("start_hour", "hour of plug-in on the station's clock, 0 to 24", required=True),
    sa.Column(
        "weekday",
        sa.SmallInteger(),
        nullable=False,
        comment="1 Monday to 7 Sunday, station's clock",
    ),
    _number("duration_h", "plugged in, h", required=True),
    _number("charging_duration_h", "charging, h; null where unknown"),
    _number("energy_kwh", "energy, kWh", required=True),
    _number(
        "mean_power_kw", "energy over charging time, else over plugged-in time, kW", required=True
    ),
    sa.Column("quality_codes", _TEXTS, nullable=False, comment="warnings and notes"),
    *(
        sa.Column(
            f"is_{period}", sa.SmallInteger(), nullable=False, comment=f"1 if it starts {text}"
        )
        for period, text in (
            ("night", "from 0 to 6"),
            ("morning", "from 6 to 12"),
            ("afternoon", "from 12 to 18"),
            ("evening", "from 18 to 24"),
        )
    ),
    sa.Column("user_n_sessions", sa.BigInteger(), comment="the user's sessions"),
    _number("user_mean_energy_kwh", "the user's mean energy, kWh"),
    _number("user_mean_duration_h", "the user's mean plugged-in time, h"),
    _number("user_mean_power_kw", "the user's mean power, kW"),
    sa.Column("user_n_stations", sa.BigInteger(), comment="the user's different stations"),
    sa.Column(
        "station_n_sessions", sa.BigInteger(), nullable=False, comment="the station's sessions"
    ),
    _number("station_mean_energy_kwh", "the station's mean energy, kWh", required=True),
    _number("station_mean_duration_h", "the station's mean plugged-in time, h", required=True),
    sa.Column("station_n_users", sa.BigInteger(), comment="the station's different users"),
    _number("station_daily_energy_kwh", "the station's energy a day, kWh", required=True),
    comment="Each session's own features beside its user's and station's; what models train on",
)
