"""Sources of every make: each is a mapping, and nothing but a mapping."""

import csv
from pathlib import Path

import polars as pl
import pytest

from ev_pipeline.sources.mapping import Mapping, load_mapping, parse_mapping
from ev_pipeline.sources.reader import read_batches
from ev_pipeline_tests.real_data import real_file
from ev_pipeline_tests.sources.reading import RECEIVED_AT, codes, frame

BOULDER = """
name = "boulder"
title = "City of Boulder"
records = "session"
scope = "boulder"
zone = "America/Denver"
resolution_s = 60
key_has_end = true
zones = { MST = "-07:00", MDT = "-06:00" }

[fields]
station_id = "Station_Name"
charging_duration_h = { column = "Charging_Time__hh_mm_ss_", format = "h:mm:ss" }
energy_kwh = "Energy__kWh_"

[fields.started_at]
column = "Start_Date___Time"
format = "yyyy/mm/dd HH:MM:SS"
zone_column = "Start_Time_Zone"

[fields.ended_at]
column = "End_Date___Time"
format = "yyyy/mm/dd HH:MM:SS"
zone_column = "End_Time_Zone"

[station]
name = "Address"
"""

CARY = """
name = "cary"
title = "Town of Cary"
records = "session"
scope = "cary"
zone = "America/New_York"

[file]
delimiter = ";"

[fields]
station_id = "station_name"
started_at = { column = "start_date", format = "iso" }
ended_at = { start_plus = "charging_time_hh_mm_ss", format = "h:mm:ss" }
charging_duration_h = { column = "charging_time_hh_mm_ss", format = "h:mm:ss" }
energy_kwh = "energy_kwh"

[station]
latitude = "latitude"
longitude = "longitude"
"""

ASENSIO = """
name = "asensio_workplace"
title = "Workplace charging"
records = "session"
scope = "asensio_workplace"
zone = "America/New_York"
missing = ["NA"]

[fields]
source_session_id = "sessionId"
station_id = "stationId"
user_id = "userId"
started_at = { column = "created", format = "yyyy-mm-dd HH:MM:SS", add_years = 2000 }
ended_at = { column = "ended", format = "yyyy-mm-dd HH:MM:SS", add_years = 2000 }
energy_kwh = "kwhTotal"
cost = "dollars"
currency = { value = "USD" }
weekday = "weekday"
"""

PATTERNS = """
name = "patterns"
title = "Charging patterns, with and without times"
records = "session"
zone = "Europe/Lisbon"
resolution_s = 60

[file]
delimiter = ";"
decimal = ","

[fields]
user_id = "User ID"
station_id = "Charging Station ID"
started_at = { column = "Charging Start Time", format = "dd/mm/yy HH:MM" }
ended_at = { column = "Charging End Time", format = "dd/mm/yy HH:MM" }
energy_kwh = "Energy Consumed (kWh)"
charging_duration_h = "Charging Duration (hours)"
max_power_kw = "Charging Rate (kW)"
weekday = "Day of Week"

[[variant]]
without = ["User ID", "Charging Start Time", "Charging End Time"]
file = { decimal = "." }

[variant.fields]
ended_at = { receipt = true }
started_at = { end_minus = "Charging Duration (hours)" }
"""

ACN = """
name = "acn"
title = "ACN-Data"
records = "session"
zone = "America/Los_Angeles"

[file]
format = "json"
list_at = "_items"

[fields]
source_session_id = "sessionID"
station_id = "stationID"
user_id = "userID"
started_at = { column = "connectionTime", format = "rfc1123" }
ended_at = { column = "disconnectTime", format = "rfc1123" }
energy_kwh = "kWhDelivered"

[station]
time_zone = "timezone"
"""


def mapping_of(text: str) -> Mapping:
    return parse_mapping(text, where="mapping.toml")


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
        ("boulder", "Electric_Vehicle_Charging_Station_Energy_Consumption.csv", BOULDER),
        ("cary", "electric-vehicle-charging-stations.csv", CARY),
        ("asensio_workplace", "station_data_dataverse.csv", ASENSIO),
    ],
)
def test_each_row_of_a_real_file_is_one_record_without_a_problem(
    folder: str, name: str, mapping: str
) -> None:
    path = real_file(folder, name)
    known = mapping_of(mapping) if "\n" in mapping else load_mapping(mapping)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=known.file.delimiter))
    records = read(path, known)
    assert records.height == len(rows) - 1
    assert records["problems"].list.len().sum() == 0
    assert records["line"].to_list() == list(range(2, len(rows) + 1))
    if known.scope is not None:
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
    calendar = mapping_of(
        "\n".join(line for line in BOULDER.splitlines() if "zone_col" not in line)
    )
    stated, expected = read(path, mapping_of(BOULDER)), read(path, calendar)
    differing = {
        name: (stated[name] != expected[name]).sum() for name in ("started_at", "ended_at")
    }
    assert differing == {"started_at": 28, "ended_at": 40}
    assert stated["charging_duration_h"].is_between(0, 839).all()


def test_carys_ends_are_derived_and_said_to_be() -> None:
    records = read(real_file("cary", "electric-vehicle-charging-stations.csv"), mapping_of(CARY))
    assert records["notes"].to_list() == [["end_derived"]] * records.height
    hours = (records["ended_at"] - records["started_at"]).dt.total_seconds() / 3600
    assert hours.to_list() == pytest.approx(records["charging_duration_h"].to_list())
    assert records["station_latitude"].null_count() == 0


def test_years_written_0014_are_2014_and_weekdays_agree() -> None:
    path = real_file("asensio_workplace", "station_data_dataverse.csv")
    records = read(path, mapping_of(ASENSIO))
    local = records["started_at"].dt.convert_time_zone("America/New_York")
    assert set(local.dt.year()) == {2014, 2015}
    assert (local.dt.weekday() == records["weekday"]).all()


def test_decimal_commas_after_a_byte_order_mark_and_the_variant_without_times(
    tmp_path: Path,
) -> None:
    mapping = mapping_of(PATTERNS)
    header = (
        "\ufeffUser ID;Charging Station ID;Charging Start Time;Charging End Time;"
        "Energy Consumed (kWh);Charging Duration (hours);Charging Rate (kW);Day of Week\n"
    )
    row = "U1;S1;01/01/24 00:00;01/01/24 00:39;60,7123;0,591;36,389;Tuesday\n"
    (session,) = frame(tmp_path, (header + row).encode(), mapping).to_dicts()
    assert (session["user_id"], session["energy_kwh"], session["weekday"]) == ("U1", 60.7123, 2)
    variant = (
        "Charging Station ID;Energy Consumed (kWh);Charging Duration (hours);"
        "Charging Rate (kW);Day of Week\nS1;60.7123;1.5;36.389;Tuesday\n"
    )
    (assigned,) = frame(tmp_path, variant.encode(), mapping).to_dicts()
    assert assigned["ended_at"] == RECEIVED_AT
    assert (assigned["ended_at"] - assigned["started_at"]).total_seconds() == 1.5 * 3600
    assert assigned["notes"] == ["time_assigned"]
    assert assigned["energy_kwh"] == 60.7123


@pytest.mark.parametrize("document", ["[%s]", '{"_meta": {"total": 2}, "_items": [%s]}'])
def test_a_list_of_json_records_is_read_alone_and_inside_a_document(
    tmp_path: Path, document: str
) -> None:
    record = (
        '{"sessionID": "1", "stationID": "S", "userID": null, "timezone": "America/New_York",'
        ' "connectionTime": "Wed, 25 Apr 2018 11:08:04 GMT", "userInputs": [{"WhPerMile": 250}],'
        ' "disconnectTime": "Wed, 25 Apr 2018 13:20:10 GMT", "kWhDelivered": 7.932}'
    )
    elements = ", ".join([record, "5", record.replace('"S"', '["S"]')])
    content = (document % elements).encode()
    session, number, listed = frame(tmp_path, content, mapping_of(ACN)).to_dicts()
    assert session["energy_kwh"] == 7.932
    assert session["zone"] == "America/New_York"
    assert f"{session['started_at']:%H:%M:%S}" == "11:08:04"
    assert (session["line"], number["line"], listed["line"]) == (1, 2, 3)
    assert number["problems"][0]["value"] == "a int, not an object: 5"
    assert listed["problems"][0]["value"].startswith("stationID is a list")
    assert codes(session) == []
