"""Tables of stations and of the sites at which they stand."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from ev_pipeline.storage.tables.columns import flag, metadata, number, text, time

ev_station: Final = sa.Table(
    "ev_station",
    metadata,
    sa.Column("scope", sa.Text(), primary_key=True, comment="operator"),
    sa.Column("station_id", sa.Text(), primary_key=True, comment="charging station"),
    flag("is_registered", "whether a registry names it; else a session did"),
    text("name", "name of the station or its site"),
    number("latitude", "degrees north, WGS 84"),
    number("longitude", "degrees east, WGS 84"),
    number("power_kw", "registered power, kW"),
    sa.Column("connectors", sa.Integer(), comment="vehicles that can charge at once"),
    text("time_zone", "IANA time zone: of those in ev_station_zone the one that holds"),
    text("district", "district"),
    text("municipality", "municipality"),
    text("parish", "parish"),
    text("address", "postal address"),
    text("site_key", "the site that gave its coordinates; null where they are its own"),
    text("source", "mapping it came by", required=True),
    sa.Column("load_id", sa.BigInteger(), comment="the registry load that last wrote it"),
    time("updated_at", "when it was last written", required=True),
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
    text("time_zone", "IANA time zone", required=True),
    flag("is_from_registry", "whether a registry told it; else session records"),
    sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), comment="the order of telling"),
    comment="Who told which time zone of a station, so that a load can be taken back",
)

ev_site: Final = sa.Table(
    "ev_site",
    metadata,
    sa.Column("scope", sa.Text(), primary_key=True, comment="operator"),
    sa.Column("site_key", sa.Text(), primary_key=True, comment="name in small letters and digits"),
    text("name", "name of the site", required=True),
    number("latitude", "degrees north, WGS 84"),
    number("longitude", "degrees east, WGS 84"),
    text("address", "postal address"),
    text("source", "mapping it came by", required=True),
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
