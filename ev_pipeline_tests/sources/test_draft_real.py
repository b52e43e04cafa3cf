"""Drafts for the real exports, beside what the shipped mappings say of the same columns."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from ev_pipeline.settings import Settings
from ev_pipeline.sources.draft.draft import draft_mapping
from ev_pipeline.sources.explain import explain
from ev_pipeline.sources.fields import TimeSource
from ev_pipeline.sources.mapping import Mapping, parse_mapping, shipped_mappings
from ev_pipeline_tests.real_data import real_file

N_LINES = 1000


class Drafted(NamedTuple):
    path: Path
    drafted: Mapping
    shipped: Mapping


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


@pytest.fixture(scope="module", params=FILES)
def beginning(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Drafted:
    """The first lines of a real file, and the draft for them."""
    path = real_file(*FILES[request.param])
    beginning = tmp_path_factory.mktemp("draft") / path.name
    lines = path.read_bytes().splitlines(keepends=True)
    beginning.write_bytes(b"".join(lines[:N_LINES]))
    drafted = parse_mapping(draft_mapping(beginning), where="draft")
    return Drafted(beginning, drafted, shipped_mappings()[request.param])


def test_a_draft_says_nearly_what_the_shipped_mapping_says(beginning: Drafted) -> None:
    drafted, shipped = beginning.drafted, beginning.shipped
    assert drafted.records == shipped.records
    assert drafted.file == shipped.file
    known_elsewhere = {"currency", "address"}
    wanted = {
        field: source.inputs
        for field, source in shipped.sources.items()
        if field not in known_elsewhere
    }
    found = {field: source.inputs for field, source in drafted.sources.items() if field in wanted}
    assert found == wanted
    for field in ("started_at", "ended_at"):
        one, other = shipped.sources.get(field), drafted.sources.get(field)
        if isinstance(one, TimeSource) and isinstance(other, TimeSource):
            assert other.add_years == one.add_years
            assert set(other.format) <= {*one.format, "iso"}


def test_a_draft_accepts_what_the_shipped_mapping_accepts(beginning: Drafted) -> None:
    n_drafted, n_records = n_accepted(beginning.path, beginning.drafted)
    n_shipped, _ = n_accepted(beginning.path, beginning.shipped)
    assert n_drafted > 0.8 * n_records
    assert n_drafted == pytest.approx(n_shipped, rel=0.01)


def n_accepted(path: Path, mapping: Mapping) -> tuple[int, int]:
    """How many records would be stored, and of how many."""
    reading = explain(
        path,
        mapping,
        settings=Settings(),
        n_records=1,
        received_at=datetime(2026, 6, 1, tzinfo=UTC),
    )
    severities = [{found.severity for found in findings} for findings in reading.findings]
    return sum("error" not in found for found in severities), len(severities)
