"""Profiles of the champion's clusters: what they are made of, and their table.

What lives here: two reads and a replacement. What does not: any figure (`domain.models.profiles`).
"""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.storage.frames import read_frame
from ev_pipeline.storage.tables.models import ev_cluster_profile

_LABELLED: Final = """
    select l.kmeans_cluster, f.start_hour, f.weekday, f.duration_h, f.energy_kwh, f.mean_power_kw,
        s.power_kw as station_power_kw
    from ev_session_label l
    join ev_session_features f using (session_id)
    left join ev_station s on s.scope = f.scope and s.station_id = f.station_id
    where l.model_version = :version
"""


def read_labelled_sessions(engine: sa.Engine, version: str) -> pl.DataFrame:
    """The sessions of the training snapshot that the version has labelled, for profiles."""
    return read_frame(engine, _LABELLED, {"version": version})


def replace_profiles(engine: sa.Engine, version: str, profiles: pl.DataFrame) -> None:
    """Make `ev_cluster_profile` hold these profiles of the version, and none of any other."""
    with engine.begin() as connection:
        connection.execute(sa.delete(ev_cluster_profile))
        rows = [{"model_version": version, **row} for row in profiles.iter_rows(named=True)]
        if rows:
            connection.execute(sa.insert(ev_cluster_profile), rows)


def read_profiles(connection: sa.Connection, version: str) -> dict[int, Mapping[str, Any]]:
    """The version's profiles by number of the cluster; none before the first."""
    found = connection.execute(
        sa.select(ev_cluster_profile)
        .where(ev_cluster_profile.c.model_version == version)
        .order_by(ev_cluster_profile.c.kmeans_cluster)
    )
    return {row["kmeans_cluster"]: dict(row) for row in found.mappings()}
