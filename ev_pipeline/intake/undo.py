"""A load is taken back: tables and ledger are as if it had never been.

What lives here: the order of the steps, and what a person should know afterwards. What does not:
the steps (`ev_pipeline.storage`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline.storage.ledger import Counts, take_from_ledger
from ev_pipeline.storage.loads import (
    loads_that_met,
    mark_undone,
    own_ground,
    own_stations,
    standing_load,
)
from ev_pipeline.storage.quarantine import take_back_quarantine
from ev_pipeline.storage.rollups import compact
from ev_pipeline.storage.station_flags import correct_flags
from ev_pipeline.storage.station_registries import SITES, STATIONS
from ev_pipeline.storage.station_registries_undo import release_named, take_back_registry
from ev_pipeline.storage.station_zones import settle_zones, take_back_zones
from ev_pipeline.storage.stations import correct_clocks, place_stations, remove_nameless
from ev_pipeline.storage.undo import take_back_sessions


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken back.

    Args:
        load_id: the load.
        counts: what it had counted.
        to_load_again: loads that met its records as duplicates, and hence did not store them:
            load their files again if they are to stay.
    """

    load_id: int
    counts: Counts
    to_load_again: list[int]


def undo_load(engine: sa.Engine, settings: Settings, load_id: int) -> Undone:
    """Take one load back, in one transaction.

    Sessions that it stored go, unless a later load has corrected them since; what it replaced comes
    back. Its quarantine entries are uncounted, and what it had settled is open again.

    Raises:
        PipelineError: there is no such load, or it was taken back already.
    """
    with engine.begin() as connection:
        own_ground(connection)
        own_stations(connection)
        load = standing_load(connection, load_id)
        if load["records"] == "session":
            _take_back_sessions(connection, load, settings)
        else:
            _take_back_registry(connection, load, settings)
        take_back_quarantine(connection, load_id)
        counts = Counts(load["stored"], load["updated"], load["duplicate"], load["quarantined"])
        take_from_ledger(
            connection, day=load["day"], door=load["door"], source=load["source"], counts=counts
        )
        mark_undone(connection, load_id, datetime.now(UTC))
        met = loads_that_met(connection, load_id)
    compact(engine, settings)
    return Undone(load_id, counts, met)


def _take_back_sessions(
    connection: sa.Connection, load: dict[str, Any], settings: Settings
) -> None:
    scope, load_id = load["scope"], load["load_id"]
    stations = take_back_zones(connection, scope=scope, load_id=load_id)
    stations += take_back_sessions(connection, load_id)
    settle_zones(connection, stations, scope=scope)
    correct_clocks(connection, stations, scope=scope, timezone=settings.timezone)
    correct_flags(connection, stations, scope=scope, limits=settings)
    remove_nameless(connection, scope)


def _take_back_registry(
    connection: sa.Connection, load: dict[str, Any], settings: Settings
) -> None:
    scope, load_id = load["scope"], load["load_id"]
    if load["records"] == "station":
        changed = take_back_zones(connection, scope=scope, load_id=load_id)
        changed += release_named(connection, scope=scope, load_id=load_id)
        changed += take_back_registry(connection, STATIONS, scope=scope, load_id=load_id)
        settle_zones(connection, changed, scope=scope)
        correct_clocks(connection, changed, scope=scope, timezone=settings.timezone)
        correct_flags(connection, changed, scope=scope, limits=settings)
        remove_nameless(connection, scope)
    else:
        take_back_registry(connection, SITES, scope=scope, load_id=load_id)
    place_stations(connection, scope)
