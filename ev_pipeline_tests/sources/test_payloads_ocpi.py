"""OCPI 2.2.1 CDRs: what of them becomes which field, and which of them are no sessions."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ev_pipeline.intake.load import load_file
from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline_tests.sources.messages import CDR, decoded_rows
from ev_pipeline_tests.sources.reading import codes


def field(name: str, **changes: Any) -> Any:
    """A field of the CDR with these changes."""
    (row,) = decoded_rows({**CDR, **changes})
    return codes(row) or row[name]


def test_every_field_of_a_cdr_is_read() -> None:
    (row,) = decoded_rows(CDR)
    without = ("message", "account", "delivery_id", "received_at", "line", "raw", "scope")
    found = {name: value for name, value in row.items() if value not in (None, [])}
    assert {name: value for name, value in found.items() if name not in without} == {
        "mapping": "ocpi_cdr",
        "source_session_id": "c1b7",
        "station_id": "CP-0102",
        "connector_id": "1",
        "user_id": "U-17",
        "started_at": datetime(2026, 5, 4, 7, 12, tzinfo=UTC),
        "ended_at": datetime(2026, 5, 4, 9, 2, tzinfo=UTC),
        "charging_duration_h": 1.47,
        "energy_kwh": 12.4,
        "max_power_kw": 11.0,
        "cost": 4.2,
        "currency": "EUR",
        "updated_at": datetime(2026, 5, 4, 9, 2, 5, tzinfo=UTC),
        "payment_method": "WHITELIST",
        "station_name": "Market Square",
        "station_latitude": 51.047599,
        "station_longitude": 3.729944,
    }


@pytest.mark.parametrize("absent", [None, ""])
def test_without_a_session_the_cdrs_own_id_stands_for_it(absent: str | None) -> None:
    assert field("source_session_id", session_id=absent) == "CDR-9"


def test_charging_time_without_parking_is_that_of_the_periods_else_unknown() -> None:
    assert field("charging_duration_h", total_parking_time=None) == 1.47
    assert field("charging_duration_h", total_parking_time=None, charging_periods=[]) is None
    assert field("charging_duration_h", total_parking_time=0, total_time=2) == 2.0


def test_cost_is_with_taxes_where_they_are_stated() -> None:
    assert field("cost", total_cost={"excl_vat": 3.5}) == 3.5
    assert field("cost", total_cost={"excl_vat": 3.5, "incl_vat": 0}) == 0.0
    assert field("cost", total_cost=None) is None
    assert field("cost", total_cost="free") == ["bad_value"]


def test_a_reservation_names_no_connector() -> None:
    location = {**CDR["cdr_location"], "evse_uid": "#NA"}
    assert field("connector_id", cdr_location=location) is None


def test_a_credit_cdr_is_no_session() -> None:
    changes = {"id": "CDR-9-C", "credit": True, "credit_reference_id": "CDR-9"}
    (row,) = decoded_rows({**CDR, **changes})
    assert codes(row) == ["malformed"]
    assert row["problems"][0]["value"].startswith("a credit CDR")
    assert field("energy_kwh", credit=False) == 12.4


@pytest.mark.parametrize(
    "changes",
    [
        {"total_parking_time": "x"},
        {"total_time": True},
        {"total_time": 10**400},
        {"total_parking_time": float("nan")},
        {"charging_periods": [{"dimensions": [{"type": "MAX_POWER", "volume": "much"}]}]},
        {"charging_periods": [{"dimensions": [{"type": "MAX_POWER", "volume": 10**400}]}]},
        {"total_cost": {"incl_vat": {}}},
        {"cdr_location": {"id": []}},
    ],
)
def test_a_value_of_another_kind_costs_its_record(changes: dict[str, Any]) -> None:
    (row,) = decoded_rows({**CDR, **changes})
    assert codes(row) in (["bad_value"], ["malformed"])


@pytest.mark.parametrize(
    "periods", ["x", 1, {}, [1], [[]], [{"dimensions": 1}], [{"dimensions": [1]}]]
)
def test_periods_of_another_kind_say_nothing(periods: Any) -> None:
    assert field("max_power_kw", charging_periods=periods) is None


def test_an_ocpi_response_is_loaded_from_a_file(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    credit = {**CDR, "id": "CDR-9-C", "credit": True, "credit_reference_id": "CDR-9"}
    changed = {
        "id": "CDR-10",
        "last_updated": "2026-05-05T09:00:00Z",
        "total_cost": {"incl_vat": 4},
    }
    path = tmp_path / "cdrs.json"
    for cdrs, expected in (
        ([CDR, credit], {"received": 2, "stored": 1, "quarantined": 1}),
        ([CDR], {"received": 1, "duplicate": 1}),
        ([{**CDR, **changed}], {"received": 1, "updated": 1}),
    ):
        path.write_text(json.dumps({"data": cdrs, "status_code": 1000}))
        found = load_file(engine, settings, load_mapping("ocpi_cdr"), path).as_document()
        counts = ("received", "stored", "updated", "duplicate", "quarantined")
        assert {name: found[name] for name in counts if found[name]} == expected
