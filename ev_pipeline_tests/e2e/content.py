"""What the dashboard's tests have on the pages.

What lives here: sessions, profiles and drift, made and published. What does not: what the pages
must show of them.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ev_pipeline.domain.models.drift import Drift
from ev_pipeline.domain.models.profiles import profile_clusters
from ev_pipeline.intake.load import load_file
from ev_pipeline.panels.drift_state import DriftState
from ev_pipeline.panels.publishing import publish_round
from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline.storage.profiles import replace_profiles
from ev_pipeline.storage.registry import read_champion
from ev_pipeline_tests.domain.models.test_profiles import sessions_of_clusters
from ev_pipeline_tests.stream.installation import Installation
from ev_pipeline_tests.stream.streams import a_session

HOSTILE = '<img src=x onerror="window.isHacked=1">'
"""A station's name that a page could take for a picture."""

ZONE = "Europe/Lisbon"
"""The reporting zone: its clocks change."""

MIDNIGHTS = [
    *("2024-03-30T23:55Z", "2024-03-31T00:00Z", "2024-03-31T22:55Z", "2024-03-31T23:00Z"),
    *("2024-10-26T22:55Z", "2024-10-26T23:00Z", "2024-10-27T23:55Z", "2024-10-28T00:00Z"),
]
"""Starts about the midnights at which the days of the two changes begin and end in that zone: on
the clock of another, some belong to other days."""

DRIFT = [Drift("start_hour", 0.41, 0.01), Drift("energy_kwh", 0.02, 0.01)]
"""What a report has found: plug-ins at other hours, and energy as it was."""


def sessions_about_midnights() -> list[dict[str, Any]]:
    """A session of three hours from each of the starts, most over midnight, each told apart."""
    return [
        a_session(
            start,
            connector_id=None,
            started_at=start,
            ended_at=(datetime.fromisoformat(start) + timedelta(hours=3)).isoformat(),
            energy_kwh=10 + number,
        )
        for number, start in enumerate(MIDNIGHTS)
    ]


REGISTRY = """station_id,name,latitude,longitude,power_kw,connectors
near-the-river,Rua de Exemplo 1,38.7101,-9.1301,22,2
up-the-hill,Rua de Exemplo 2,38.7702,-9.3202,22,2
"""
"""Stations with a place, some kilometres from each other, at a coast."""


def register(installation: Installation, folder: Path) -> None:
    """The registry's stations have their places."""
    path = folder / "stations.csv"
    path.write_text(REGISTRY)
    settings = installation.worker.settings
    load_file(installation.engine, settings, load_mapping("canonical_stations"), path)


def publish(installation: Installation) -> None:
    """What a run publishes, of clusters that were described and of sessions that have drifted."""
    engine, version = installation.engine, installation.champion
    with engine.connect() as connection:
        champion = read_champion(connection)
    assert champion
    names = {int(number): name for number, name in champion.cluster_names.items()}
    profiles = profile_clusters(sessions_of_clusters(sorted(names)), names)
    replace_profiles(engine, version, profiles)
    now = datetime.now(UTC)
    publish_round(
        engine,
        installation.worker.settings,
        installation.broker.login("dagster"),
        generated_at=now,
        drift=DriftState(version, 502, 0.25, now, DRIFT),
    )
