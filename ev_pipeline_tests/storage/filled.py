"""A database that holds something of everything.

What lives here: filling it by the doors that sessions come in by. What does not: what is done with
it (tests of migrations and of backups).
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from ev_pipeline.domain.features import merge_session_features
from ev_pipeline.domain.models.bundle import content_hash
from ev_pipeline.domain.models.profiles import profile_clusters
from ev_pipeline.intake.forget import forget_user
from ev_pipeline.intake.load import load_file
from ev_pipeline.intake.undo import undo_load
from ev_pipeline.settings import Settings
from ev_pipeline.storage.features import (
    read_station_features,
    read_user_features,
    replace_session_features,
    session_batches,
)
from ev_pipeline.storage.habits import STATIONS as OF_STATIONS
from ev_pipeline.storage.habits import USERS, make_all
from ev_pipeline.storage.label_sums import fold_label_sums
from ev_pipeline.storage.profiles import read_labelled_sessions, replace_profiles
from ev_pipeline.storage.promotion import promote
from ev_pipeline.storage.registry import ModelPart, save_part
from ev_pipeline.storage.rollups import compact
from ev_pipeline_tests.intake.files import (
    CANONICAL,
    CORRECTING,
    SITES,
    STATIONS,
    a_session,
    unfinished,
    write_table,
)
from ev_pipeline_tests.intake.streaming import Delivery, deliver
from ev_pipeline_tests.storage.sample import SESSIONS
from ev_pipeline_tests.storage.trained import register

NOW: Final = datetime(2026, 2, 1, 3, tzinfo=UTC)
HABITS: Final = (USERS, OF_STATIONS)
CLUSTER_NAMES: Final = {number: f"cluster {number}" for number in range(12)}


def fill(engine: sa.Engine, settings: Settings, folder: Path, sessions: Path) -> None:
    """Everything that a table can hold: loads, one taken back, corrections, a stream, labels."""
    load_file(engine, settings, STATIONS, SESSIONS.with_name("stations.csv"))
    load_file(engine, settings, CANONICAL, sessions)
    for energy_kwh in (7, 8, 9):
        again = a_session(updated_at=f"2024-05-06T1{energy_kwh}:00:00Z", energy_kwh=energy_kwh)
        corrected = write_table(folder / "corrected.csv", [again, unfinished(session_id="U")])
        load_file(engine, settings, CORRECTING, corrected)
    taken_back = load_file(
        engine, settings, CANONICAL, write_table(folder / "b.csv", [a_session(session_id="B")])
    )
    assert taken_back.load_id is not None
    undo_load(engine, settings, taken_back.load_id)
    with engine.begin() as connection:
        deliver(connection, settings, [Delivery(a_session(session_id="S")), Delivery(b"no JSON")])
    for latitude in (38.5, 38.75):
        site = {"name": "Alvalade", "latitude": latitude, "longitude": -9.25}
        load_file(engine, settings, SITES, write_table(folder / "sites.csv", [site]))
        station = {"station_id": "A", "name": "Alvalade 1", "power_kw": latitude}
        load_file(engine, settings, STATIONS, write_table(folder / "stations.csv", [station]))
    gone = write_table(folder / "gone.csv", [a_session(session_id="G", user_id="gone")])
    load_file(engine, settings, CANONICAL, gone)
    forget_user(engine, settings, "gone", scope=settings.operator, by="clerk")
    compact(engine, settings)
    version = register(engine, 1)
    promote(engine, version, reason="first", promoted_at=NOW)
    _derive(engine, version)


def _derive(engine: sa.Engine, version: str) -> None:
    """What a training and its labels leave behind."""
    for habits in HABITS:
        make_all(engine, habits)
    users, stations = read_user_features(engine).lazy(), read_station_features(engine).lazy()
    replace_session_features(
        engine,
        (
            merge_session_features(batch.lazy(), users, stations).collect()
            for batch in session_batches(engine)
        ),
    )
    fold_label_sums(engine)
    profiles = profile_clusters(read_labelled_sessions(engine, version), CLUSTER_NAMES)
    replace_profiles(engine, version, profiles)
    part = ModelPart("kmeans", {"k": 3}, {}, b"half", content_hash(b"half"), NOW)
    with engine.begin() as connection:
        save_part(connection, "interrupted", part)
