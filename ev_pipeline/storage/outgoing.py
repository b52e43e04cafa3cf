"""Sessions and labels on their way out: the rows of an export, a bounded number at a time.

What lives here: which rows and columns there are, and their order.
What does not: files (`exports`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.session import SESSION_FIELDS
from ev_pipeline.storage.frames import read_batches
from ev_pipeline.storage.tables.stations import ev_station

_FIELDS: Final = [field.name for field in SESSION_FIELDS if field.name != "source_session_id"]
_SESSION: Final = ", ".join(
    f"s.{name}"
    for name in (
        *("session_id", "source_session_id", "scope", *_FIELDS),
        *("quality", "quality_codes", "source", "revision", "received_at"),
    )
)
_LABEL: Final = ", ".join(
    f"s.{name}"
    for name in (
        *("session_id", "source_session_id", "scope", "station_id", "started_at", "ended_at"),
        *("energy_kwh", "model_version", "kmeans_cluster", "cluster_name", "dbscan_cluster"),
        *("anomaly_score", "is_anomaly", "anomaly_reasons", "labelled_at", "labelled_by"),
    )
)
_STATION: Final = (
    "t.name as station_name, t.latitude, t.longitude, t.power_kw, t.municipality, t.address"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sessions are wanted; null for any.

    Args:
        since: the earliest start, UTC.
        until: the start from which on none is wanted, UTC.
        station_id: the station.
        scope: the operator.
    """

    since: datetime | None = None
    until: datetime | None = None
    station_id: str | None = None
    scope: str | None = None


def require_known(engine: sa.Engine, wanted: Wanted) -> None:
    """Pass only if the wanted station and operator are known: none has no sessions by mistyping.

    Raises:
        PipelineError: there is no such station, or no such operator.
    """
    for name, value in (("station_id", wanted.station_id), ("scope", wanted.scope)):
        if value is None:
            continue
        with engine.connect() as connection:
            is_known = connection.execute(
                sa.select(sa.exists().where(ev_station.c[name] == value))
            ).scalar_one()
        if not is_known:
            what = {"station_id": "station", "scope": "operator"}[name]
            raise PipelineError(
                f"there is no {what} {value[:80]!r}",
                mend="name one that sessions or a registry name",
            )


def outgoing_sessions(engine: sa.Engine, wanted: Wanted) -> Iterator[pl.DataFrame]:
    """The wanted sessions, in order of start and id, as of one moment."""
    return _rows(engine, _SESSION, "ev_session s", wanted)


def outgoing_labels(engine: sa.Engine, wanted: Wanted) -> Iterator[pl.DataFrame]:
    """The champion's labels of the wanted sessions, in order of start and id, as of one moment."""
    return _rows(engine, _LABEL, "ev_session_labelled s", wanted, "s.model_version is not null")


def outgoing_with_stations(engine: sa.Engine, wanted: Wanted) -> Iterator[pl.DataFrame]:
    """As `outgoing_sessions`, with what is known of each session's station."""
    tables = "ev_session s left join ev_station t using (scope, station_id)"
    return _rows(engine, f"{_SESSION}, {_STATION}", tables, wanted)


def _rows(
    engine: sa.Engine, columns: str, tables: str, wanted: Wanted, condition: str = "true"
) -> Iterator[pl.DataFrame]:
    conditions = {
        "since": "s.started_at >= %(since)s",
        "until": "s.started_at < %(until)s",
        "station_id": "s.station_id = %(station_id)s",
        "scope": "s.scope = %(scope)s",
    }
    asked = {name: getattr(wanted, name) for name in conditions}
    asked = {name: value for name, value in asked.items() if value is not None}
    where = " and ".join([condition, *(conditions[name] for name in asked)])
    statement = f"select {columns} from {tables} where {where} order by s.started_at, s.session_id"  # noqa: S608 - our own columns and conditions, values are bound
    return read_batches(engine, statement, asked)
