"""Refused records on their way to quarantine: reasons in words, raw bytes, what could be read.

What lives here: the rows of the staging table `refused`. What does not: why a record is refused
(`ev_pipeline.domain.validation`, `ev_pipeline.storage.decisions`).
"""

import json
from typing import Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.rules import KEYED_FIELDS, MAX_KEY_BYTES, MAX_TEXT_CHARS
from ev_pipeline.domain.validation import REASON, describe
from ev_pipeline.intake.job import Job
from ev_pipeline.intake.raw_records import Reading, digest, kept_bytes
from ev_pipeline.intake.records import placed, read_again
from ev_pipeline.intake.stream_job import STREAM_DOOR
from ev_pipeline.intake.user_ids import UserIds
from ev_pipeline.settings import Limits
from ev_pipeline.sources.reader import RecordBatch
from ev_pipeline.storage.bulk import copy_frame

CONFLICT: Final = "conflicts_with_stored"
"""The one error that the record itself does not show."""

_NUL: Final = "\x00"
"""PostgreSQL keeps no NUL in text or JSON; the raw bytes keep it."""

_REPLACEMENT: Final = "\ufffd"
"""Unicode's sign for a character that cannot be shown."""

_READABLE: Final = {
    "session_id": pl.String(),
    "source_session_id": pl.String(),
    "station_id": pl.String(),
    "connector_id": pl.String(),
    "started_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
    "account": pl.String(),
    "delivery_id": pl.String(),
    "received_at": pl.Datetime("us", "UTC"),
}
"""What an entry keeps of the record beside its raw bytes, where it is known."""


def refuse(
    connection: sa.Connection,
    rows: pl.DataFrame,
    batch: RecordBatch,
    job: Job,
    user_ids: UserIds | None = None,
) -> None:
    """The rows wait in `refused`.

    Args:
        connection: the load's transaction.
        rows: `ordinal`, `line`, `errors`, `batch_row` (what the batch knows the record's bytes
            by), and those of the other columns that there are.
        batch: the batch that they are of.
        job: the load; its limits are named in the reasons.
        user_ids: how sessions name their users; null for what names none.
    """
    if rows.is_empty():
        return
    raws = [batch.raw(row) for row in rows["batch_row"]]
    kept: list[bytes | None] = [*raws]
    if user_ids is None or user_ids.is_idle:
        digests = [digest(record) for record in raws]
    else:
        rows = user_ids.settled_refused(rows, raws)
        kept, digests = kept_bytes(rows, raws, _reading(job, batch), user_ids)
    header_sha256 = None if batch.header is None else digest(batch.header)
    absent = [pl.lit(None, kind).alias(name) for name, kind in _READABLE.items()]
    frame = rows.with_columns(column for column in absent if column.meta.output_name() not in rows)
    copy_frame(
        connection,
        "refused",
        frame.select(
            "ordinal",
            "line",
            pl.Series("raw", kept, dtype=pl.Binary),
            pl.Series("raw_sha256", digests),
            pl.lit(header_sha256, pl.String()).alias("header_sha256"),
            _in_words(rows["errors"], job.settings).alias("reasons"),
            pl.col("errors")
            .list.eval(pl.element().struct.field("code"))
            .list.unique(maintain_order=True)
            .alias("codes"),
            *(_storable(name) if kind == pl.String() else name for name, kind in _READABLE.items()),
        ),
    )


def refuse_conflicts(
    connection: sa.Connection,
    job: Job,
    conflicts: pl.DataFrame,
    user_ids: UserIds | None = None,
) -> None:
    """Records that contradict what is stored wait in `refused`.

    Their raw bytes are read once more: to keep every record's until the end would cost a copy of
    the file for the few that are asked for.

    Args:
        connection: the load's transaction.
        job: the load.
        conflicts: the `ordinal` of each, and what was settled about it since it was read.
        user_ids: as for `refuse`.
    """
    if conflicts.is_empty():
        return
    settled = [name for name in conflicts.columns if name != "ordinal"]
    reason = [{"code": CONFLICT, "field": None, "value": None}]
    for before, batch in read_again(job.records, job.fingerprint, job.origin.path):
        rows = (
            placed(before, batch)
            .drop(settled, strict=False)
            .join(conflicts, on="ordinal")
            .with_columns(errors=pl.lit(pl.Series([reason], dtype=pl.List(REASON))).first())
        )
        refuse(connection, rows, batch, job, user_ids)


def _reading(job: Job, batch: RecordBatch) -> Reading:
    """How a record of the batch is read again by itself."""
    origin = job.origin
    is_stream = origin.door == STREAM_DOOR
    return Reading(job.mapping, origin.scope, batch.header, is_stream, origin.received_at)


def _storable(name: str) -> pl.Expr:
    """The text as a column holds it; null where it is too long for one."""
    text = pl.col(name).str.replace_all(_NUL, _REPLACEMENT, literal=True)
    if name in KEYED_FIELDS:
        return pl.when(text.str.len_bytes() <= MAX_KEY_BYTES).then(text)
    if name == "source_session_id":
        return pl.when(text.str.len_chars() <= MAX_TEXT_CHARS).then(text)
    return text


def _in_words(errors: pl.Series, limits: Limits) -> pl.Series:
    """Each record's reasons as JSON, with a message; the same reasons are worded once."""
    worded: dict[tuple[tuple[str | None, ...], ...], str] = {}
    texts = []
    for reasons in errors.to_list():
        known_by = tuple(tuple(reason.values()) for reason in reasons)
        if known_by not in worded:
            worded[known_by] = _worded(reasons, limits)
        texts.append(worded[known_by])
    return pl.Series(texts, dtype=pl.String)


def _worded(reasons: list[dict[str, str | None]], limits: Limits) -> str:
    storable = [
        {name: text and text.replace(_NUL, _REPLACEMENT) for name, text in reason.items()}
        for reason in reasons
    ]
    with_messages = [
        {
            **reason,
            "message": describe(str(reason["code"]), reason["field"], reason["value"], limits),
        }
        for reason in storable
    ]
    return json.dumps(with_messages, ensure_ascii=False)
