"""The ids of a batch's sessions, also of those that are known by their delivery alone.

What lives here: ids, and the times of sessions whose times come from receipt: those of the first
delivery. What does not: how an id is formed (`ev_pipeline.domain.identity`).
"""

import hashlib
from collections.abc import Callable

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.identity import delivery_ids, session_ids
from ev_pipeline.intake.job import Job
from ev_pipeline.intake.our_ids import by_our_ids
from ev_pipeline.storage.quarantine import first_receipts


def has_assigned_times(rows: pl.DataFrame) -> bool:
    """Whether the times of any record come from its receipt."""
    return "time_assigned" in rows["notes"].explode().to_list()


def with_ids(
    connection: sa.Connection, rows: pl.DataFrame, raw: Callable[[int], bytes], job: Job
) -> pl.DataFrame:
    """Every record whose key is known has its `session_id`.

    A session whose times come from receipt has its source's own id, else that of its delivery. If
    it was delivered before and refused, its times are those of that first delivery.

    Args:
        connection: the load's transaction.
        rows: decoded sessions, as `records.placed` gives them.
        raw: the raw bytes of a record, by `batch_row`.
        job: the load.
    """
    scope, key_has_end = job.origin.scope, job.mapping.key_has_end
    if not has_assigned_times(rows):
        identified = rows.hstack([session_ids(rows, scope=scope, key_has_end=key_has_end)])
        return by_our_ids(connection, identified, scope=scope)
    is_assigned = pl.col("notes").list.contains("time_assigned")
    assigned = rows.filter(is_assigned)
    start_is_none = pl.when(~is_assigned).then("started_at").alias("started_at")
    own_ids = session_ids(rows.with_columns(start_is_none), scope=scope, key_has_end=key_has_end)
    deliveries = assigned.select(
        source=pl.col("account").fill_null(job.origin.source),
        delivery=pl.coalesce(
            "delivery_id",
            assigned["batch_row"].map_elements(lambda row: _digest(raw(row)), pl.String),
        ),
    )
    by_delivery = assigned.select("batch_row", delivery_ids(deliveries, scope=scope))
    identified = (
        rows.with_columns(own_ids.alias("own_id"))
        .join(by_delivery, on="batch_row", how="left", maintain_order="left")
        .with_columns(session_id=pl.coalesce("own_id", "session_id"))
        .drop("own_id")
    )
    identified = by_our_ids(connection, identified, scope=scope)
    return _first_delivered(connection, identified, scope)


def _first_delivered(connection: sa.Connection, rows: pl.DataFrame, scope: str) -> pl.DataFrame:
    """Times from receipt are those of the first receipt that quarantine knows of."""
    assigned_ids = rows.filter(pl.col("notes").list.contains("time_assigned"))["session_id"]
    first = first_receipts(connection, assigned_ids.to_list(), scope=scope)
    later = pl.col("ended_at") - pl.col("first_at")
    is_later = pl.col("notes").list.contains("time_assigned") & pl.col("first_at").is_not_null()
    return (
        rows.join(first, on="session_id", how="left", maintain_order="left")
        .with_columns(
            pl.when(is_later).then(pl.col(name) - later).otherwise(name).alias(name)
            for name in ("started_at", "ended_at")
        )
        .drop("first_at")
    )


def _digest(record: bytes) -> str:
    return hashlib.sha256(record).hexdigest()
