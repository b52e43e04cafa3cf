"""Tables of model versions and of what they say of sessions."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from ev_pipeline.storage.tables.columns import NUMBER, document, flag, metadata, text, time

ev_model: Final = sa.Table(
    "ev_model",
    metadata,
    sa.Column("version", sa.Text(), primary_key=True, comment="time of training and content hash"),
    time("trained_at", "when it was trained", required=True),
    sa.Column(
        "parameters", pg.JSONB(), nullable=False, comment="settings and seed of the training"
    ),
    sa.Column("measures", pg.JSONB(), nullable=False, comment="what was measured of it"),
    text("verdict", "structured, no structure, or null while none is given"),
    document("cluster_names", "names of the KMeans clusters by number", "{}"),
    sa.Column("artifact", sa.LargeBinary(), nullable=False, comment="arrays (npz), no pickle"),
    text("artifact_sha256", "SHA-256 of the artifact, checked on load", required=True),
    flag("is_champion", "whether its labels are shown"),
    time("promoted_at", "when it last became champion"),
    text("reason", "why it was promoted or not"),
    text("card", "what it was made of, its gates and limits, in Markdown"),
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
    text("artifact_sha256", "SHA-256 of the artifact", required=True),
    time("trained_at", "when it was trained", required=True),
    comment="Parts of a version that is being trained, until they are bundled",
)

ev_cluster_profile: Final = sa.Table(
    "ev_cluster_profile",
    metadata,
    sa.Column("model_version", sa.Text(), primary_key=True, comment="the champion then"),
    sa.Column("kmeans_cluster", sa.SmallInteger(), primary_key=True, comment="cluster, from 0"),
    text("cluster_name", "its name; its number where it deserves none", required=True),
    sa.Column("n_sessions", sa.BigInteger(), nullable=False, comment="labelled sessions"),
    sa.Column("share", NUMBER, nullable=False, comment="of all labelled sessions"),
    sa.Column("start_hour", NUMBER, nullable=False, comment="mean hour of plug-in, 0 to 24"),
    sa.Column("median_duration_h", NUMBER, nullable=False, comment="plugged in, h"),
    sa.Column("median_energy_kwh", NUMBER, nullable=False, comment="energy, kWh"),
    sa.Column("median_power_kw", NUMBER, nullable=False, comment="mean power of a session, kW"),
    sa.Column("hour_shares", pg.ARRAY(NUMBER), nullable=False, comment="by hour of plug-in"),
    sa.Column("weekday_shares", pg.ARRAY(NUMBER), nullable=False, comment="from Monday"),
    sa.Column(
        "station_shares",
        pg.ARRAY(NUMBER),
        nullable=False,
        comment="by the station's power: to 7.4, 22, 60 kW, over 60 kW, unknown",
    ),
    comment="What the sessions of each of the champion's clusters are like",
)

ev_session_label: Final = sa.Table(
    "ev_session_label",
    metadata,
    sa.Column("model_version", sa.Text(), primary_key=True, comment="the model that labelled"),
    sa.Column("session_id", pg.UUID(), primary_key=True, comment="the session"),
    sa.Column("session_revision", sa.Integer(), nullable=False, comment="the revision labelled"),
    sa.Column("kmeans_cluster", sa.SmallInteger(), nullable=False, comment="cluster, from 0"),
    sa.Column("dbscan_cluster", sa.SmallInteger(), nullable=False, comment="cluster, -1 for noise"),
    sa.Column("anomaly_score", NUMBER, nullable=False, comment="higher is odder"),
    flag("is_anomaly", "score above the model's threshold, or a rule says so"),
    sa.Column(
        "anomaly_reasons",
        pg.JSONB(),
        nullable=False,
        comment="list of {code, message, value, expected}",
    ),
    time("labelled_at", "when it was labelled", required=True),
    text("labelled_by", "stream or batch", required=True),
    sa.Index("ix_ev_session_label_anomaly", "session_id", postgresql_where=sa.text("is_anomaly")),
    postgresql_partition_by="LIST (model_version)",
    comment="What each model says of each session; one partition a model",
)
