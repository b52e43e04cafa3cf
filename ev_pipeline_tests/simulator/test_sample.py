"""The sample is what its page says: reproducible, physically consistent, with faults as stated."""

from pathlib import Path

import polars as pl
import pytest

from ev_pipeline.domain.session import SESSION_FIELDS, STATION_FIELDS
from ev_pipeline_tests.simulator.conftest import DATA
from simulator.behaviours import BEHAVIOURS
from simulator.faults import FAULTS

FILES = ("sessions.csv", "online_sessions.csv", "stations.csv", "behaviours.csv")


@pytest.mark.parametrize("name", FILES)
def test_the_generator_makes_the_shipped_files_byte_for_byte(generated: Path, name: str) -> None:
    assert (generated / name).read_bytes() == (DATA / name).read_bytes()


def test_the_columns_are_those_of_the_wire() -> None:
    header = (DATA / "sessions.csv").read_text().split("\n", 1)[0].split(",")
    assert header[0] == "session_id"
    assert header[1:] == [field.name for field in SESSION_FIELDS[1:]]
    stations = (DATA / "stations.csv").read_text().split("\n", 1)[0].split(",")
    assert stations == [field.name for field in STATION_FIELDS]


def test_the_sample_has_the_size_that_is_promised(truth: pl.DataFrame) -> None:
    sessions = pl.read_csv(DATA / "sessions.csv", infer_schema_length=None)
    assert sessions["session_id"].n_unique() == 8_000
    assert sessions["user_id"].drop_nulls().n_unique() == 80
    assert sessions["station_id"].drop_nulls().n_unique() == 40
    assert pl.read_csv(DATA / "online_sessions.csv").height == 500
    assert truth["session_id"].n_unique() == truth.height == 8_500


def test_sessions_for_replay_come_after_the_year() -> None:
    online = pl.read_csv(DATA / "online_sessions.csv")
    assert online["started_at"].str.starts_with("2026-01").all()


def test_no_good_session_charges_longer_than_it_stays(good_sessions: pl.DataFrame) -> None:
    rounding_h = 0.0001
    assert (good_sessions["charging_duration_h"] <= good_sessions["stay_h"] + rounding_h).all()


def test_no_good_session_draws_more_than_its_station_gives(good_sessions: pl.DataFrame) -> None:
    assert (good_sessions["max_power_kw"] <= good_sessions["power_kw"]).all()
    hours = good_sessions["charging_duration_h"]
    rounding_kwh = 0.02
    limit = good_sessions["power_kw"] * hours + rounding_kwh
    assert (good_sessions["energy_kwh"] <= limit).all()


def test_the_state_of_charge_rises_by_the_energy_less_losses(good_sessions: pl.DataFrame) -> None:
    reported = good_sessions.drop_nulls("soc_start_percent")
    rise = reported["soc_end_percent"] - reported["soc_start_percent"]
    into_battery_kwh = rise / 100 * reported["battery_capacity_kwh"]
    efficiency = reported.select(into_battery_kwh / pl.col("energy_kwh")).to_series()
    long = reported["energy_kwh"] > 5
    assert efficiency.filter(long).is_between(0.90, 0.97).all()


def test_no_connector_serves_two_vehicles_at_once(good_sessions: pl.DataFrame) -> None:
    before = pl.col("ended_at").shift(1).over("station_id", "connector_id", order_by="started_at")
    gaps = good_sessions.select(pl.col("started_at") - before).to_series().drop_nulls()
    assert (gaps.dt.total_seconds() > 0).all()


def test_no_user_is_at_two_places_at_once(good_sessions: pl.DataFrame) -> None:
    known = good_sessions.drop_nulls("user_id")
    before = pl.col("ended_at").shift(1).over("user_id", order_by="started_at")
    gaps = known.select(pl.col("started_at") - before).to_series().drop_nulls()
    assert (gaps.dt.total_seconds() > 0).all()


def test_behaviours_differ_as_their_page_says(good_sessions: pl.DataFrame) -> None:
    rows = good_sessions.group_by("behaviour").agg(
        share=pl.len() / good_sessions.height,
        stay_h=pl.col("stay_h").median(),
        hour=pl.col("hour").median(),
        weekend=(pl.col("weekday") >= 6).mean(),
    )
    by_name = {row["behaviour"]: row for row in rows.iter_rows(named=True)}
    assert set(by_name) == {behaviour.name for behaviour in BEHAVIOURS}
    assert all(0.1 < row["share"] < 0.35 for row in by_name.values())
    assert by_name["overnight_street"]["stay_h"] > 10
    assert by_name["overnight_street"]["hour"] >= 17
    assert by_name["workplace_day"]["weekend"] < 0.02
    assert by_name["fast_stop"]["stay_h"] < 1
    assert by_name["destination_visit"]["weekend"] > 0.35


def test_every_fault_occurs_about_as_often_as_stated(truth: pl.DataFrame) -> None:
    counts = dict(truth["fault"].drop_nulls().value_counts().iter_rows())
    assert set(counts) == {fault.name for fault in FAULTS}
    for fault in FAULTS:
        expected = fault.rate * 8_000
        assert counts[fault.name] <= expected + 4 * expected**0.5


def test_the_page_of_the_sample_states_every_fault_with_its_count(truth: pl.DataFrame) -> None:
    page = (DATA / "README.md").read_text()
    counts = dict(truth["fault"].drop_nulls().value_counts().iter_rows())
    for fault in FAULTS:
        row = f"| `{fault.name}` | {fault.rate * 100:g} % | {counts[fault.name]} |"
        assert f"{row} {fault.description} |" in page
