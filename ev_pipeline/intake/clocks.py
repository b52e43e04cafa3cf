"""Whether a charger's clock is behind, by when its sessions come.

A late delivery and a clock that is behind look alike in one session: its end lies long before its
receipt. They differ in two. A clock is behind by as much again the next time; a delivery that was
held up brings sessions at once, each as late as it ended early. What lives here: that rule, and
the warning. What does not: reading what came before (`storage.previous_sessions`).
"""

from datetime import datetime, timedelta
from typing import Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.intake.job import Job
from ev_pipeline.intake.preparation import receipts
from ev_pipeline.intake.stream_job import STREAM_DOOR
from ev_pipeline.storage.previous_sessions import previous_sessions

CLOCK_SUSPECT: Final = "clock_suspect"

_SAME_DELAY: Final = timedelta(minutes=1)
"""Delays so alike have one cause: a charger reports within seconds of the end."""

_APART: Final = timedelta(minutes=10)
"""Receipts nearer than this are of one delivery, whose sessions all are late alike."""

_KEYS: Final = ("station_id", "connector_id", "started_at")


def with_clock_warnings(
    connection: sa.Connection, accepted: pl.DataFrame, job: Job
) -> pl.DataFrame:
    """The sessions with `clock_suspect` among their warnings where the charger's clock is.

    A session is suspect that ended long before its receipt, if the one before it on its connector
    came at least ten minutes earlier and was as late to the minute. The first of a wrong clock is
    not told from a late delivery.

    Args:
        connection: the load's transaction.
        accepted: sessions to be stored.
        job: the load; of one that is no stream's nothing is said.
    """
    if job.origin.door != STREAM_DOOR:
        return accepted
    received_at = receipts(accepted, job)
    limit = timedelta(hours=job.settings.clock_delay_h)
    late = (received_at - accepted["ended_at"] > limit).arg_true()
    if late.is_empty():
        return accepted
    starts = accepted[list(_KEYS)][late].rows()
    before = previous_sessions(connection, starts, scope=job.origin.scope, door=job.origin.door)
    moments = zip(received_at[late].to_list(), accepted["ended_at"][late].to_list(), strict=True)
    suspect = [
        late[place]
        for place, moment in enumerate(moments)
        if place in before and _is_same_delay(moment, before[place])
    ]
    if not suspect:
        return accepted
    is_suspect = pl.int_range(accepted.height, eager=True).is_in(suspect)
    return accepted.with_columns(
        warnings=pl.when(is_suspect)
        .then(pl.concat_list("warnings", pl.lit(CLOCK_SUSPECT)))
        .otherwise("warnings")
    )


def _is_same_delay(one: tuple[datetime, datetime], before: tuple[datetime, datetime]) -> bool:
    """Whether receipts are apart, and as far apart as ends."""
    (received_at, ended_at), (received_before, ended_before) = one, before
    apart = received_at - received_before
    return apart >= _APART and abs(apart - (ended_at - ended_before)) <= _SAME_DELAY
