"""Who told a station's zone, and the weekday that a source named: clocks can be set right again."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0008"
down_revision: Final = "0007"

_FILL: Final = (
    "update ev_station set registered_zone = time_zone where is_registered",
    """
    update ev_station_history
    set station = station || jsonb_build_object('registered_zone', station -> 'time_zone')
    where (station ->> 'is_registered')::boolean
    """,
    r"""
    update ev_load set zone = substring(mapping from '(?n)^zone\s*=\s*["'']([^"'']+)["'']')
    where records = 'session'
    """,
)
"""A registry's word cannot be told from a record's any more where both were there: it is taken for
the registry's."""


def upgrade() -> None:
    """Bring the schema from `down_revision` to `revision`."""
    op.add_column(
        "ev_station",
        sa.Column("registered_zone", sa.Text(), comment="IANA time zone that a registry states"),
    )
    op.alter_column(
        "ev_station",
        "time_zone",
        existing_type=sa.Text(),
        comment="IANA time zone: the registry's, else the one that its records tell",
        existing_comment="IANA time zone",
    )
    op.add_column(
        "ev_load",
        sa.Column(
            "zone", sa.Text(), comment="IANA time zone that the mapping states for its stations"
        ),
    )
    op.add_column(
        "ev_session",
        sa.Column(
            "stated_weekday",
            sa.SmallInteger(),
            comment="1 Monday to 7 Sunday, as the source names it",
        ),
    )
    for statement in _FILL:
        op.execute(statement)
