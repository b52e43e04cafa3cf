"""What `sources draft` makes of the parts of paths, of columns and of several columns together."""

import json
from pathlib import Path

from ev_pipeline_tests.sources.drafting import drafted, rows, said


def test_the_parts_of_paths_tell_the_fields(tmp_path: Path) -> None:
    records = [
        {
            "txn": {"ref": f"{9000 + i}"},
            "evse": {"cp": f"GLA-{i % 5}", "sockets": ["L", "R"][i % 2 :]},
            "plug": {"in_ms": 1760937600000 + i, "out_ms": 1760966820000 + i if i else 0},
            "full_at_ms": 1760963822000 + i if i > 1 else 0,
            "meter_kwh": 36.0 + i / 8,
            "peak_w": 5769 + i,
            "bill": {"amount": 1.5 + i, "ccy": "GBP"},
            "driver": f"d{i % 7}" if i % 7 else "anonymous",
            "soc": {"in": "35 %", "out": "80 %"},
        }
        for i in range(40)
    ]
    text = "".join(json.dumps(record) + "\n" for record in records)
    _, mapping = drafted(tmp_path, text, name="transactions.jsonl")
    epoch = {"format": ("epoch_ms",)}
    assert said(mapping) == {
        "source_session_id": {"column": "txn.ref"},
        "station_id": {"column": "evse.cp"},
        "connector_id": {"column": "evse.sockets.0"},
        "user_id": {"column": "driver", "missing": ("anonymous",)},
        "started_at": {"column": "plug.in_ms", **epoch},
        "ended_at": {"column": "plug.out_ms", "missing": ("0",), **epoch},
        "energy_kwh": {"column": "meter_kwh"},
        "charging_duration_h": {"until": "full_at_ms", "missing": ("0",), **epoch},
        "max_power_kw": {"column": "peak_w", "unit": "W"},
        "cost": {"column": "bill.amount"},
        "currency": {"column": "bill.ccy"},
        "soc_start_percent": {"column": "soc.in", "beside": ("%",)},
        "soc_end_percent": {"column": "soc.out", "beside": ("%",)},
    }


def test_station_and_outlet_in_one_column_are_parted(tmp_path: Path) -> None:
    line = "ZH-0{i}/1;04.05.2026 08:{d};04.05.2026 10:{d};12,4"
    _, mapping = drafted(tmp_path, rows("Säule/Punkt;Beginn;Ende;kWh", line))
    found = said(mapping)
    assert found["station_id"] == {"column": "Säule/Punkt", "before_last": "/"}
    assert found["connector_id"] == {"column": "Säule/Punkt", "after_last": "/"}


def test_two_meter_readings_give_the_energy(tmp_path: Path) -> None:
    line = "A;2026-05-{d} 08:12;2026-05-{d} 10:02;1{i}00;2{i}00"
    _, mapping = drafted(tmp_path, rows("Station;Start;End;meterStart (Wh);meterStop (Wh)", line))
    assert said(mapping)["energy_kwh"] == {
        "column": "meterStop (Wh)",
        "minus": "meterStart (Wh)",
        "unit": "Wh",
    }


def test_a_fleets_depots_vehicles_and_zones_are_found(tmp_path: Path) -> None:
    header = "Depot\tPort\tStart\tEnd\tkWh\tCharging Minutes\tTZ\tVehicle\tLast Modified"
    times = "10/{d}/25 06:28 AM\t10/{d}/25 07:28 AM"
    lines = [
        f"Depot {n}\t6\t{times}\t50.09 kWh\t27\t{zone}\tVAN{{i}}\t11/{{d}}/25 07:28 AM"
        for n, zone in ((1, "America/Chicago"), (2, "America/Denver"))
    ]
    toml, mapping = drafted(tmp_path, rows(header, *lines), name="Fleet Report.tsv")
    found = said(mapping)
    assert found["station_id"] == {"column": "Depot"}
    assert found["user_id"] == {"column": "Vehicle"}
    assert found["charging_duration_h"] == {"column": "Charging Minutes", "unit": "min"}
    assert found["time_zone"] == {"column": "TZ"}
    assert found["started_at"]["zone_column"] == "TZ"
    assert 'times_in = "UTC"' in toml
    assert "sources check fleet_report.toml 'Fleet Report.tsv'" in toml
