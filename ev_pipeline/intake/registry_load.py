"""A load of a registry of stations or sites, in one transaction.

What lives here: the order of the steps. What does not: the steps themselves, and the transaction
(`load`).
"""

from typing import Literal

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.validation import validate_stations
from ev_pipeline.intake.job import Job
from ev_pipeline.intake.records import numbered, placed
from ev_pipeline.intake.refusal import refuse, refuse_conflicts
from ev_pipeline.storage.bulk import copy_frame
from ev_pipeline.storage.loads import Tally, own_ground, own_stations
from ev_pipeline.storage.quarantine import write_quarantine
from ev_pipeline.storage.staging import open_staging
from ev_pipeline.storage.station_flags import correct_flags
from ev_pipeline.storage.station_registries import (
    SITES,
    STATIONS,
    Registry,
    conflicting_rows,
    create_registry_staging,
    decide_registry,
    write_registry,
)
from ev_pipeline.storage.station_zones import keep_told_by_registry
from ev_pipeline.storage.stations import correct_clocks, place_stations
from ev_pipeline.storage.tallies import tally_registry


def load_registry(connection: sa.Connection, job: Job) -> tuple[Tally, bytes | None]:
    """The job's stations or sites are what the registry says.

    Returns:
        What became of its rows, and the header that its file has.
    """
    registry = STATIONS if job.mapping.records == "station" else SITES
    origin = job.origin
    own_ground(connection)
    open_staging(connection)
    create_registry_staging(connection, registry)
    header = _stage(connection, job, registry)
    own_stations(connection)
    decide_registry(connection, registry, scope=origin.scope)
    written = write_registry(
        connection,
        registry,
        scope=origin.scope,
        source=origin.source,
        load_id=job.load_id,
        received_at=origin.received_at,
    )
    if registry is STATIONS:
        keep_told_by_registry(connection, scope=origin.scope, load_id=job.load_id)
        correct_clocks(connection, written, scope=origin.scope, timezone=job.settings.timezone)
        correct_flags(connection, written, scope=origin.scope, limits=job.settings)
    place_stations(connection, origin.scope)
    conflicts = pl.DataFrame({"ordinal": conflicting_rows(connection)}, {"ordinal": pl.Int64})
    refuse_conflicts(connection, job, conflicts)
    write_quarantine(
        connection,
        scope=origin.scope,
        origin=origin.source,
        load_id=job.load_id,
        mapping=origin.mapping,
        seen_at=origin.received_at,
    )
    return tally_registry(connection), header


def _stage(connection: sa.Connection, job: Job, registry: Registry) -> bytes | None:
    """The registry's rows wait in staging; returns the file's header."""
    key_field: Literal["station_id", "name"] = "station_id" if registry is STATIONS else "name"
    header: bytes | None = None
    for before, batch in numbered(job.records, job.progress):
        header = batch.header
        judged = validate_stations(placed(before, batch), key_field=key_field)
        rows = judged.with_columns(
            key=pl.col(key_field),
            time_zone=pl.coalesce("time_zone", "zone"),
        )
        has_errors = pl.col("errors").list.len() > 0
        accepted = rows.filter(~has_errors).with_columns(pl.col("connectors").cast(pl.Int64))
        copy_frame(
            connection, "incoming_registry", accepted.select("ordinal", "key", *registry.says)
        )
        refuse(connection, rows.filter(has_errors), batch, job)
    return header
