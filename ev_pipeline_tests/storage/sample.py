"""Sessions of the shipped sample, stored as intake would store them, for tests of what follows.

What lives here: rows with their changes in one transaction. What does not: any rule of intake.
"""

import uuid
from functools import cache
from pathlib import Path

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.session import SESSION_FIELDS, Kind
from ev_pipeline.storage.bulk import copy_frame
from ev_pipeline.storage.changes import CHANGED, LOG

SESSIONS = Path(__file__).parents[2] / "data" / "sessions.csv"


@cache
def sample_sessions() -> pl.DataFrame:
    """The sample's finished sessions, with the columns of `ev_session`."""
    numbers = {field.name: pl.Float64() for field in SESSION_FIELDS if field.kind is Kind.NUMBER}
    read = pl.read_csv(SESSIONS, infer_schema=False).rename({"session_id": "source_session_id"})
    times = [
        pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%z", time_unit="us", strict=False)
        for name in ("started_at", "ended_at", "updated_at")
    ]
    return (
        read.with_columns(
            *times, *(pl.col(name).cast(kind, strict=False) for name, kind in numbers.items())
        )
        .filter(
            pl.col("station_id").is_not_null(),
            pl.col("energy_kwh").is_between(0.5, 150),
            pl.col("ended_at") > pl.col("started_at"),
        )
        .unique("source_session_id", keep="first", maintain_order=True)
        .with_columns(
            pl.col("source_session_id")
            .map_elements(lambda name: str(uuid.uuid5(uuid.NAMESPACE_URL, name)), pl.String)
            .alias("session_id"),
            revision=1,
            scope=pl.lit("sample"),
            source=pl.lit("canonical"),
            door=pl.lit("file"),
            quality=pl.lit("valid"),
            quality_codes=pl.lit([], pl.List(pl.String)),
            started_local_at=pl.col("started_at")
            .dt.convert_time_zone("Europe/Lisbon")
            .dt.replace_time_zone(None),
            received_at=pl.col("ended_at"),
        )
    )


def store(connection: sa.Connection, sessions: pl.DataFrame) -> None:
    """The sessions and their changes, in the connection's transaction."""
    copy_frame(connection, "ev_session", sessions)
    _log(connection, sessions["session_id"].to_list(), "insert", 1)


def correct(connection: sa.Connection, session_id: str, *, energy_kwh: float) -> None:
    """Give the session another energy, as its next revision."""
    _log(connection, [session_id], "correction", -1)
    connection.execute(
        sa.text(
            "update ev_session set energy_kwh = :energy_kwh, revision = revision + 1"
            " where session_id = :session_id"
        ),
        {"energy_kwh": energy_kwh, "session_id": session_id},
    )
    _log(connection, [session_id], "correction", 1)


def delete(connection: sa.Connection, session_ids: list[str]) -> None:
    """Take the sessions away."""
    _log(connection, session_ids, "deletion", -1)
    connection.execute(
        sa.text("delete from ev_session where session_id = any(cast(:ids as uuid[]))"),
        {"ids": session_ids},
    )


def _log(connection: sa.Connection, session_ids: list[str], kind: str, sign: int) -> None:
    connection.execute(
        sa.text(
            f"{LOG} select session_id, revision, :kind, :sign, {CHANGED} from ev_session"
            " where session_id = any(cast(:ids as uuid[]))"
        ),
        {"kind": kind, "sign": sign, "ids": session_ids},
    )
