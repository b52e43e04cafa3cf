"""Tables of sums that panels and reports read; `storage.rollup_shapes` says what each sums."""

from typing import Any, Final

import sqlalchemy as sa

from ev_pipeline.storage.tables.columns import TIME, count, metadata


def _rollup_measures() -> list[sa.Column[Any]]:
    return [
        count("n_sessions", "sessions that start then"),
        sa.Column("energy_kwh", sa.Numeric(), nullable=False, comment="energy, kWh, exact"),
        sa.Column("duration_s", sa.Numeric(), nullable=False, comment="plugged in, s, exact"),
        count("n_charging", "sessions with a known charging duration"),
        sa.Column("charging_s", sa.Numeric(), nullable=False, comment="charging, s, exact"),
        sa.Column("cost", sa.Numeric(), nullable=False, comment="price in currency, exact"),
        count("n_idle", "sessions of which is known how long they stayed after charging"),
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
    sa.Column("quarter_at", TIME, primary_key=True, comment="start of the quarter-hour, UTC"),
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
    count("n_sessions", "sessions"),
    sa.Column("energy_kwh", sa.Numeric(), nullable=False, comment="energy, kWh, exact"),
    comment="Users by all that they charged",
)

ev_rollup_code: Final = sa.Table(
    "ev_rollup_code",
    metadata,
    sa.Column("code", sa.Text(), primary_key=True, comment="a warning or a note"),
    count("n_sessions", "stored sessions that have it"),
    comment="Stored sessions by what is said of them",
)

ev_label_sum: Final = sa.Table(
    "ev_label_sum",
    metadata,
    sa.Column("model_version", sa.Text(), primary_key=True, comment="the champion"),
    sa.Column("month", sa.Date(), primary_key=True, comment="month of plug-out, UTC"),
    sa.Column("kmeans_cluster", sa.SmallInteger(), primary_key=True, comment="cluster, from 0"),
    sa.Column(
        "measure",
        sa.Text(),
        primary_key=True,
        comment="session, noise, anomaly, reason, energy_kwh or duration_h",
    ),
    sa.Column(
        "key", sa.Text(), primary_key=True, comment="code of a reason, bin of a quantity, or empty"
    ),
    count("n", "sessions"),
    sa.Column("total", sa.Double(), nullable=False, comment="sum of the quantity in the bin"),
    comment="Labels of the champion by month; months with changes are formed anew",
)

ev_rollup_occupancy: Final = sa.Table(
    "ev_rollup_occupancy",
    metadata,
    sa.Column("scope", sa.Text(), primary_key=True, comment="operator"),
    sa.Column("station_id", sa.Text(), primary_key=True, comment="charging station"),
    sa.Column("day", sa.Date(), primary_key=True, comment="a day, reporting zone"),
    count("n_unknown", "sessions that start then, of which nobody knows how long they occupied"),
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
