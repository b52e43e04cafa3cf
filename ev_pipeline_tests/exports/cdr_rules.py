"""What OCPI 2.2.1 asks of a CDR, for tests: the fields' rules, and sums that must agree.

What lives here: a judge that shares no code with the exporter. What does not: making CDRs.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

_SCHEMA: Final = json.loads((Path(__file__).parent / "ocpi_cdr.schema.json").read_text())
_RULES: Final = Draft202012Validator(_SCHEMA)
_HOUR_S: Final = 3600
_SECOND: Final = 1 / _HOUR_S
"""h; what a clock in whole seconds may add."""

PARTY: Final[dict[str, Any]] = {
    "ocpi_country_code": "GB",
    "ocpi_party_id": "EXA",
    "ocpi_country": "GBR",
    "ocpi_city": "Dundee",
    "ocpi_address": "1 High Street",
    "ocpi_latitude": 56.46,
    "ocpi_longitude": -2.97,
}
"""Settings with which every session can be a CDR as far as its place goes."""


def assert_cdr(cdr: dict[str, Any], *, resolution_s: float = 1) -> None:
    """The CDR keeps every field's rule, and its totals are those of its one period.

    Args:
        cdr: the CDR.
        resolution_s: how far its source's charging time may exceed its clock, s.
    """
    faults = [f"{error.json_path}: {error.message}" for error in _RULES.iter_errors(cdr)]
    assert not faults, faults
    started, ended = (
        datetime.fromisoformat(cdr[name]) for name in ("start_date_time", "end_date_time")
    )
    elapsed_h = (ended - started).total_seconds() / _HOUR_S
    assert ended > started
    assert cdr["total_time"] == pytest.approx(elapsed_h, abs=resolution_s * _SECOND)
    (period,) = cdr["charging_periods"]
    assert period["start_date_time"] == cdr["start_date_time"]
    volumes = {one["type"]: one["volume"] for one in period["dimensions"]}
    assert len(volumes) == len(period["dimensions"])
    assert volumes["ENERGY"] == cdr["total_energy"]
    parking = volumes.get("PARKING_TIME")
    assert parking == cdr.get("total_parking_time")
    assert volumes["TIME"] + (parking or 0) == pytest.approx(cdr["total_time"], abs=1e-8)
    price = cdr["total_cost"]
    assert price.get("incl_vat", price["excl_vat"]) >= price["excl_vat"] - 1e-4
