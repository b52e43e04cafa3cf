"""Tables of what users', stations' and each session's records have in common."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from ev_pipeline.storage.tables.columns import TEXTS, count, metadata, number, text, time

ev_user_features: Final = sa.Table(
    "ev_user_features",
    metadata,
    sa.Column("scope", sa.Text(), primary_key=True, comment="operator"),
    sa.Column("user_id", sa.Text(), primary_key=True, comment="user"),
    count("n_sessions", "sessions"),
    number("total_energy_kwh", "energy, kWh", required=True),
    number("mean_energy_kwh", "energy a session, kWh", required=True),
    number("mean_duration_h", "plugged-in time a session, h", required=True),
    number("mean_power_kw", "mean of the sessions' mean powers, kW", required=True),
    count("n_stations", "different stations"),
    number("night_share", "share of sessions that start from 0 to 6", required=True),
    number("morning_share", "share of sessions that start from 6 to 12", required=True),
    number("afternoon_share", "share of sessions that start from 12 to 18", required=True),
    number("evening_share", "share of sessions that start from 18 to 24", required=True),
    text(
        "preferred_period", "period of day with most sessions; the earlier of equals", required=True
    ),
    time("first_seen_at", "first plug-in", required=True),
    time("last_seen_at", "last plug-in", required=True),
    comment="What each user's sessions have in common",
)

ev_station_features: Final = sa.Table(
    "ev_station_features",
    metadata,
    sa.Column("scope", sa.Text(), primary_key=True, comment="operator"),
    sa.Column("station_id", sa.Text(), primary_key=True, comment="charging station"),
    count("n_sessions", "sessions"),
    number("total_energy_kwh", "energy, kWh", required=True),
    number("mean_energy_kwh", "energy a session, kWh", required=True),
    number("mean_duration_h", "plugged-in time a session, h", required=True),
    sa.Column("n_users", sa.BigInteger(), comment="different users; null where none is named"),
    count("observed_days", "days from the first to the last session, both counted"),
    number("daily_energy_kwh", "energy over observed days, kWh a day", required=True),
    number("weekly_energy_kwh", "seven times the daily energy, kWh a week", required=True),
    time("first_seen_at", "first plug-in", required=True),
    time("last_seen_at", "last plug-in", required=True),
    comment="What each station's sessions have in common",
)

ev_session_features: Final = sa.Table(
    "ev_session_features",
    metadata,
    sa.Column("session_id", pg.UUID(), primary_key=True, comment="the session"),
    sa.Column("revision", sa.Integer(), nullable=False, comment="the revision described"),
    text("scope", "operator", required=True),
    text("station_id", "charging station", required=True),
    text("user_id", "user"),
    text("quality", "valid or warning", required=True),
    time("started_at", "plug-in", required=True),
    number("start_hour", "hour of plug-in on the station's clock, 0 to 24", required=True),
    sa.Column(
        "weekday",
        sa.SmallInteger(),
        nullable=False,
        comment="1 Monday to 7 Sunday, station's clock",
    ),
    number("duration_h", "plugged in, h", required=True),
    number("charging_duration_h", "charging, h; null where unknown"),
    number("energy_kwh", "energy, kWh", required=True),
    number(
        "mean_power_kw", "energy over charging time, else over plugged-in time, kW", required=True
    ),
    sa.Column("quality_codes", TEXTS, nullable=False, comment="warnings and notes"),
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
    number("user_mean_energy_kwh", "the user's mean energy, kWh"),
    number("user_mean_duration_h", "the user's mean plugged-in time, h"),
    number("user_mean_power_kw", "the user's mean power, kW"),
    sa.Column("user_n_stations", sa.BigInteger(), comment="the user's different stations"),
    sa.Column(
        "station_n_sessions", sa.BigInteger(), nullable=False, comment="the station's sessions"
    ),
    number("station_mean_energy_kwh", "the station's mean energy, kWh", required=True),
    number("station_mean_duration_h", "the station's mean plugged-in time, h", required=True),
    sa.Column("station_n_users", sa.BigInteger(), comment="the station's different users"),
    number("station_daily_energy_kwh", "the station's energy a day, kWh", required=True),
    comment="Each session's own features beside its user's and station's; what models train on",
)
