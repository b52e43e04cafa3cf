"""Each fault of the sample is found by the rule that is there for it, and nothing else is."""

from datetime import UTC, datetime

import polars as pl
import pytest

from ev_pipeline.domain.validation import validate
from ev_pipeline.settings import Limits
from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline.sources.reader import read_batches
from ev_pipeline_tests.simulator.conftest import DATA

RECEIVED_AT = datetime(2026, 2, 1, tzinfo=UTC)

EXPECTED = {
    "unfinished": "not_finished",
    "no_energy": "no_energy",
    "aborted": "under_1_minute",
    "no_duration": "no_duration",
    "ends_before_start": "no_duration",
    "lost_clock": "before_2010",
    "negative_energy": "no_energy",
    "not_a_number": "bad_value",
    "missing_station": "missing_field",
    "wrong_unit": "energy_over_1000_kwh",
    "wrong_power": "power_over_rating",
    "charging_longer_than_stay": "charging_longer_than_session",
    "falling_soc": "soc_decreases",
}

DECIDED_BESIDE_OTHER_ROWS = {"overlap", "repeated", "corrected", "contradicted", "finished_later"}
"""What is wrong with these shows only beside what is stored."""

NATURAL = {"under_0_5_kwh", "over_48_hours"}
"""Flags that sessions without a fault carry too: short top-ups and forgotten cars."""


def read(name: str, mapping_name: str) -> pl.DataFrame:
    mapping = load_mapping(mapping_name)
    batches = read_batches(DATA / name, mapping, received_at=RECEIVED_AT)
    return pl.concat([batch.frame for batch in batches])


@pytest.fixture(scope="module")
def judged(truth: pl.DataFrame) -> pl.DataFrame:
    """Rows of the sample with their true fault and the codes that validation finds."""
    stations = read("stations.csv", "canonical_stations")
    frame = validate(
        read("sessions.csv", "canonical"),
        stations=stations.select("station_id", "power_kw", is_registered=pl.lit(value=True)),
        limits=Limits(),
        received_at=RECEIVED_AT,
        resolution_s=load_mapping("canonical").resolution_s,
    )
    reasons = pl.col("errors").list.eval(pl.element().struct.field("code"))
    codes = frame.select("source_session_id", codes=pl.concat_list(reasons, "warnings"))
    return codes.join(truth, left_on="source_session_id", right_on="session_id", how="left")


def test_every_fault_has_its_rule(truth: pl.DataFrame) -> None:
    faults = set(truth["fault"].drop_nulls())
    assert faults == set(EXPECTED) | DECIDED_BESIDE_OTHER_ROWS


@pytest.mark.parametrize(("fault", "code"), EXPECTED.items())
def test_a_fault_is_found_by_its_rule(judged: pl.DataFrame, fault: str, code: str) -> None:
    found = judged.filter(pl.col("fault") == fault)["codes"]
    assert found.list.contains(code).all()


def test_a_session_without_a_fault_is_never_refused(judged: pl.DataFrame) -> None:
    codes = judged.filter(pl.col("fault").is_null())["codes"].explode().drop_nulls()
    assert set(codes) == NATURAL
