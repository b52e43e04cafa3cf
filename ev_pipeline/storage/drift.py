"""The last window of sessions, with the champion's labels: what drift is measured on.

What lives here: which sessions it holds. What does not: the measure (`domain.models.drift`).
"""

from typing import Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.features import describe_sessions
from ev_pipeline.domain.models.drift import CLUSTER
from ev_pipeline.storage.features import session_batches
from ev_pipeline.storage.frames import read_frame

MAX_WINDOW_SESSIONS: Final = 20_000
"""An index over ten classes moves by less than 0.001 for more, and each run measures it."""

_NEWEST: Final = """
    s.session_id in (
        select session_id from ev_session
        where ended_at > (select max(ended_at) from ev_session)
            - make_interval(days => cast(:days as int))
        order by ended_at desc, session_id limit cast(:n_sessions as int)
    )
"""


def read_window(engine: sa.Engine, version: str, *, days: int) -> pl.DataFrame:
    """The newest sessions that a model might be fitted on, no older than so many days.

    Args:
        engine: the database.
        version: whose labels they have.
        days: back from the newest end, d.

    Returns:
        Their features, and `kmeans_cluster`; those without a label are left out.
    """
    bounds = {"days": days, "n_sessions": MAX_WINDOW_SESSIONS}
    labels = read_frame(
        engine,
        f"""
        select s.session_id, s.kmeans_cluster from ev_session_label s
        where s.model_version = cast(:version as text) and {_NEWEST}
        """,  # noqa: S608 - our own SQL
        {"version": version, **bounds},
    )
    described = [
        describe_sessions(sessions.lazy()).collect()
        for sessions in session_batches(engine, _NEWEST, bounds)
    ]
    if not described:
        return pl.DataFrame(schema={CLUSTER: pl.Int64})
    return pl.concat(described).join(labels, on="session_id", how="inner")
