"""Who told a station's zone, load by load: also where rows tell it, and where nothing was new."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0009"
down_revision: Final = "0008"

_TOLD_BY_REGISTRIES: Final = """
    insert into ev_station_zone (scope, station_id, load_id, time_zone, is_from_registry)
    select scope, station_id, load_id, registered_zone, true
    from (
        select scope, station_id, load_id, registered_zone from ev_station
        union all
        select h.scope, h.station_id, t.load_id, t.registered_zone
        from ev_station_history h
        cross join lateral jsonb_populate_record(null::ev_station, h.station) t
    ) rows_that_are_or_were
    where load_id is not null and registered_zone is not null
    order by load_id
    on conflict (scope, station_id, load_id) do nothing
"""

_TOLD_BY_SESSIONS: Final = """
    insert into ev_station_zone (scope, station_id, load_id, time_zone, is_from_registry)
    select distinct s.scope, s.station_id, s.load_id, l.zone, false
    from ev_session s join ev_load l using (load_id)
    where l.zone is not null
    order by s.load_id
"""

_TOLD_BY_NOBODY_KNOWN: Final = """
    insert into ev_station_zone (scope, station_id, load_id, time_zone, is_from_registry)
    select t.scope, t.station_id, 0, t.time_zone, false
    from ev_station t
    where t.time_zone is not null and not exists (
        select from ev_station_zone z where z.scope = t.scope and z.station_id = t.station_id)
"""
"""Like what the stream told it stays."""

_WITHOUT_THE_COLUMN: Final = "update ev_station_history set station = station - 'registered_zone'"


def upgrade() -> None:
    """Bring the schema from `down_revision` to `revision`."""
    op.create_table(
        "ev_station_zone",
        sa.Column("scope", sa.Text(), nullable=False, comment="operator"),
        sa.Column("station_id", sa.Text(), nullable=False, comment="charging station"),
        sa.Column(
            "load_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="the load whose records told it; 0 for the stream",
        ),
        sa.Column("time_zone", sa.Text(), nullable=False, comment="IANA time zone"),
        sa.Column(
            "is_from_registry",
            sa.Boolean(),
            nullable=False,
            comment="whether a registry told it; else session records",
        ),
        sa.Column(
            "seq",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="the order of telling",
        ),
        sa.PrimaryKeyConstraint("scope", "station_id", "load_id", name=op.f("pk_ev_station_zone")),
        comment="Who told which time zone of a station, so that a load can be taken back",
    )
    for statement in (_TOLD_BY_REGISTRIES, _TOLD_BY_SESSIONS, _TOLD_BY_NOBODY_KNOWN):
        op.execute(statement)
    op.alter_column(
        "ev_station",
        "time_zone",
        existing_type=sa.Text(),
        comment="IANA time zone: of those in ev_station_zone the one that holds",
        existing_comment="IANA time zone: the registry's, else the one that its records tell",
    )
    op.drop_column("ev_station", "registered_zone")
    op.execute(_WITHOUT_THE_COLUMN)
    op.drop_column("ev_load", "zone")
