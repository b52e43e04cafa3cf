"""The real files, loaded into a real database and held against a recount by hand."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa

from ev_pipeline.intake.load import load_file
from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline_tests.integration.recount import recount, registered_stations
from ev_pipeline_tests.integration.recount_single import recount_twice
from ev_pipeline_tests.real_data import real_file

FILES: Final = {
    "asensio_workplace": ("station_data_dataverse.csv",),
    "boulder": ("Electric_Vehicle_Charging_Station_Energy_Consumption.csv",),
    "cary": ("electric-vehicle-charging-stations.csv",),
    "dundee": ("cpdata.csv", "cp-data-dec-mar-2018.csv", "cp-data-mar-may-2018.csv"),
    "perth_kinross": (
        "electricvehiclechargecorrected.csv",
        "sept17toaug18standardisedcorrected.csv",
        "sept18toaug19standardisedcorrected.csv",
    ),
}
"""Each publisher's sessions, oldest file first."""

REGISTRIES: Final = {
    "boulder": "Boulder_locations.csv",
    "dundee": "cp-locations.csv",
    "perth_kinross": "perth_locations.csv",
}
"""Dundee's names stations; the others only sites, so that their stations stay unregistered."""

ROWS: Final = {
    "asensio_workplace": 3_395,
    "boulder": 23_597,
    "cary": 20_142,
    "dundee": 47_885,
    "perth_kinross": 66_664,
}
"""Sessions that each published, in all files."""

COUNTS: Final = ("received", "stored", "updated", "duplicate", "quarantined")


def session_files(source: str) -> list[Path]:
    return [real_file(source, name) for name in FILES[source]]


def loaded(
    engine: sa.Engine, settings: Settings, source: str, paths: Sequence[Path]
) -> list[dict[str, Any]]:
    """What each load answers, without the name of its source."""
    mapping = load_mapping(source)
    answers = [load_file(engine, settings, mapping, path).as_document() for path in paths]
    assert {answer.pop("source") for answer in answers} == {source}
    return answers


def stored_sums(engine: sa.Engine, source: str) -> dict[str, int]:
    """What ledger, sessions and quarantine hold of a source."""
    ledger = ", ".join(f"(select sum({c}) from ev_ledger where source = :s) {c}" for c in COUNTS)
    sql = f"""
        select {ledger},
            (select count(*) from ev_session where source = :s) sessions,
            (select count(*) from ev_quarantine_sighting join ev_quarantine using (quarantine_id)
                where origin = :s) sightings"""
    with engine.connect() as connection:
        row = connection.execute(sa.text(sql), {"s": source}).mappings().one()
    return {name: int(value) for name, value in row.items()}


@pytest.mark.parametrize("source", FILES)
def test_every_figure_of_every_load_equals_the_recount_by_hand(
    engine: sa.Engine, settings: Settings, source: str
) -> None:
    files = session_files(source)
    registered: frozenset[str] = frozenset()
    if source in REGISTRIES:
        registry = real_file(source, REGISTRIES[source])
        loaded(engine, settings, f"{source}_stations", [registry])
        registered = registered_stations(registry)
    by_hand = (
        recount_twice(source, *files)
        if len(files) == 1
        else recount([*files, *files], registered=registered)
    )
    expected = [vars(figures) for figures in by_hand]

    answers = loaded(engine, settings, source, [*files, *files])

    assert answers == expected
    first, second = answers[: len(files)], answers[len(files) :]
    assert sum(answer["received"] for answer in first) == ROWS[source]
    assert [answer["stored"] for answer in second] == [0] * len(files)
    sums = {count: sum(answer[count] for answer in answers) for count in COUNTS}
    assert sums["received"] == sum(sums[count] for count in COUNTS[1:])
    assert stored_sums(engine, source) == sums | {
        "sessions": sums["stored"],
        "sightings": sums["quarantined"],
    }


def test_the_load_command_without_a_registry_answers_with_the_sums_over_its_files(
    engine: sa.Engine, environment: dict[str, str]
) -> None:
    files = session_files("dundee")[:2]
    program = Path(sys.executable).with_name("ev-pipeline")
    done = subprocess.run(
        [program, "load", "dundee", *files, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    every = [vars(figures) for figures in recount(files)]
    expected = {count: sum(figures[count] for figures in every) for count in COUNTS} | {
        said: dict(sum((Counter(figures[said]) for figures in every), Counter()))
        for said in ("reasons", "warnings", "notes")
    }
    assert json.loads(done.stdout) == {"source": "dundee", **expected}
    assert stored_sums(engine, "dundee")["sessions"] == expected["stored"]


@pytest.mark.parametrize("source", ["boulder", "cary"])
def test_stations_are_placed_by_a_registry_of_addresses_and_by_their_own_rows(
    engine: sa.Engine, settings: Settings, tmp_path: Path, source: str
) -> None:
    with session_files(source)[0].open("rb") as file:
        path = tmp_path / "beginning.csv"
        path.write_bytes(b"".join(islice(file, 2_000)))
    if source in REGISTRIES:
        registry = real_file(source, REGISTRIES[source])
        loaded(engine, settings, f"{source}_stations", [registry])
    loaded(engine, settings, source, [path])
    with engine.connect() as connection:
        stations = connection.execute(
            sa.text("select station_id, latitude, longitude, time_zone from ev_station")
        ).all()
    city = {"boulder": (40.0, -105.3, "America/Denver"), "cary": (35.8, -78.8, "America/New_York")}
    latitude, longitude, zone = city[source]
    assert len(stations) > 5
    for station in stations:
        assert abs(station.latitude - latitude) < 0.1
        assert abs(station.longitude - longitude) < 0.2
        assert station.time_zone == zone
