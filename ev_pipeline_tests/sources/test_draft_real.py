"""Drafts for the real exports, beside what the shipped mappings say of the same columns."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ev_pipeline.settings import Settings
from ev_pipeline.sources.draft.draft import draft_mapping
from ev_pipeline.sources.explain import explain
from ev_pipeline.sources.fields import TimeSource
from ev_pipeline.sources.mapping import parse_mapping, shipped_mappings
from ev_pipeline_tests.real_data import real_file

N_LINES = 2000

FILES = {
    "asensio_workplace": ("asensio_workplace", "station_data_dataverse.csv"),
    "boulder": ("boulder", "Electric_Vehicle_Charging_Station_Energy_Consumption.csv"),
    "boulder_stations": ("boulder", "Boulder_locations.csv"),
    "cary": ("cary", "electric-vehicle-charging-stations.csv"),
    "dundee": ("dundee", "cp-data-dec-mar-2018.csv"),
    "dundee_stations": ("dundee", "cp-locations.csv"),
    "perth_kinross": ("perth_kinross", "sept17toaug18standardisedcorrected.csv"),
    "perth_kinross_stations": ("perth_kinross", "perth_locations.csv"),
}


def first_lines(path: Path, folder: Path) -> Path:
    """The beginning of a real file."""
    beginning = folder / path.name
    lines = path.read_bytes().splitlines(keepends=True)
    beginning.write_bytes(b"".join(lines[:N_LINES]))
    return beginning


@pytest.mark.parametrize("name", FILES)
def test_a_draft_says_nearly_what_the_shipped_mapping_says(tmp_path: Path, name: str) -> None:
    path = first_lines(real_file(*FILES[name]), tmp_path)
    drafted = parse_mapping(draft_mapping(path), where="draft")
    shipped = shipped_mappings()[name]
    assert drafted.records == shipped.records
    assert drafted.file == shipped.file
    for field, source in shipped.sources.items():
        found = drafted.sources.get(field)
        if field in ("currency", "address"):
            continue  # known to whoever knows the place
        assert found is not None, field
        assert found.inputs == source.inputs, field
    for field in ("started_at", "ended_at"):
        written, found = shipped.sources.get(field), drafted.sources.get(field)
        if isinstance(written, TimeSource) and isinstance(found, TimeSource):
            assert found.add_years == written.add_years
            assert set(found.format) <= {*written.format, "iso"}


@pytest.mark.parametrize("name", FILES)
def test_a_draft_accepts_what_the_shipped_mapping_accepts(tmp_path: Path, name: str) -> None:
    path = first_lines(real_file(*FILES[name]), tmp_path)
    drafted = parse_mapping(draft_mapping(path), where="draft")
    accepted = {}
    for which, mapping in (("drafted", drafted), ("shipped", shipped_mappings()[name])):
        reading = explain(
            path,
            mapping,
            settings=Settings(),
            n_records=1,
            received_at=datetime(2026, 6, 1, tzinfo=UTC),
        )
        severities = [{found.severity for found in findings} for findings in reading.findings]
        accepted[which] = sum("error" not in found for found in severities)
        assert accepted[which] > 0.8 * len(severities)
    assert accepted["drafted"] == pytest.approx(accepted["shipped"], rel=0.01)
