"""The real files, each read by its shipped mapping."""

import csv
from pathlib import Path

import polars as pl
import pytest

from ev_pipeline.sources.mapping import Mapping, load_mapping, parse_mapping
from ev_pipeline.sources.reader import read_batches
from ev_pipeline_tests.real_data import real_file
from ev_pipeline_tests.sources.reading import RECEIVED_AT


def read(path: Path, mapping: Mapping) -> pl.DataFrame:
    return pl.concat(batch.frame for batch in read_batches(path, mapping, received_at=RECEIVED_AT))


@pytest.mark.parametrize(
    ("folder", "name", "mapping"),
    [
        ("dundee", "cpdata.csv", "dundee"),
        ("dundee", "cp-data-dec-mar-2018.csv", "dundee"),
        ("dundee", "cp-data-mar-may-2018.csv", "dundee"),
        ("dundee", "cp-locations.csv", "dundee_stations"),
        ("perth_kinross", "electricvehiclechargecorrected.csv", "perth_kinross"),
        ("perth_kinross", "sept17toaug18standardisedcorrected.csv", "perth_kinross"),
        ("perth_kinross", "sept18toaug19standardisedcorrected.csv", "perth_kinross"),
        ("perth_kinross", "perth_locations.csv", "perth_kinross_stations"),
        ("boulder", "Electric_Vehicle_Charging_Station_Energy_Consumption.csv", "boulder"),
        ("boulder", "Boulder_locations.csv", "boulder_stations"),
        ("cary", "electric-vehicle-charging-stations.csv", "cary"),
        ("asensio_workplace", "station_data_dataverse.csv", "asensio_workplace"),
    ],
)
def test_each_row_of_a_real_file_is_one_record_without_a_problem(
    folder: str, name: str, mapping: str
) -> None:
    path = real_file(folder, name)
    known = load_mapping(mapping)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=known.file.delimiter))
    records = read(path, known)
    assert records.height == len(rows) - 1
    assert records["problems"].list.len().sum() == 0
    assert records["line"].to_list() == list(range(2, len(rows) + 1))
    assert known.scope == folder


def test_dundees_quirks_are_read_as_the_council_means_them() -> None:
    records = read(real_file("dundee", "cpdata.csv"), load_mapping("dundee"))
    assert records["station_id"].null_count() == 2
    assert records["ended_at"].null_count() == 82 + 1  # unfinished, and one that ends in 1970
    assert set(records["currency"]) == {"GBP"}
    registry = read(real_file("dundee", "cp-locations.csv"), load_mapping("dundee_stations"))
    assert registry["station_id"].null_count() == 4 + 1  # empty, and one Unknown


def test_boulders_stated_zone_wins_over_the_calendar() -> None:
    path = real_file("boulder", "Electric_Vehicle_Charging_Station_Energy_Consumption.csv")
    boulder = load_mapping("boulder")
    without = [line for line in boulder.text.splitlines() if "zone_column" not in line]
    calendar = parse_mapping("\n".join(without), where="calendar.toml")
    stated, expected = read(path, boulder), read(path, calendar)
    differing = {
        name: (stated[name] != expected[name]).sum() for name in ("started_at", "ended_at")
    }
    assert differing == {"started_at": 28, "ended_at": 40}
    assert stated["charging_duration_h"].is_between(0, 839).all()


def test_carys_ends_are_derived_and_said_to_be() -> None:
    path = real_file("cary", "electric-vehicle-charging-stations.csv")
    records = read(path, load_mapping("cary"))
    assert records["notes"].to_list() == [["end_derived"]] * records.height
    hours = (records["ended_at"] - records["started_at"]).dt.total_seconds() / 3600
    assert hours.to_list() == pytest.approx(records["charging_duration_h"].to_list())
    assert records["station_latitude"].null_count() == 0


def test_years_written_0014_are_2014_and_weekdays_agree() -> None:
    path = real_file("asensio_workplace", "station_data_dataverse.csv")
    records = read(path, load_mapping("asensio_workplace"))
    local = records["started_at"].dt.convert_time_zone("America/New_York")
    assert set(local.dt.year()) == {2014, 2015}
    assert (local.dt.weekday() == records["weekday"]).all()
