"""Sources whose files are not at hand, made as they are described, through the load itself."""

from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from ev_pipeline.intake.job import LoadResult
from ev_pipeline.intake.load import load_file
from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline_tests.intake.files import assert_ledger_adds_up, rows
from ev_pipeline_tests.intake.loader import counts
from ev_pipeline_tests.sources import made_files

N_EREDES: Final = 36_000
"""About as many stations as the registry has."""


def loaded(
    engine: sa.Engine, settings: Settings, source: str, path: Path, content: bytes
) -> LoadResult:
    path.write_bytes(content)
    return load_file(engine, settings, load_mapping(source), path)


def test_the_known_faults_of_the_patterns_are_warnings(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    faults = {
        "charging_longer_than_session": {"Charging Duration (hours)": "2,52"},
        "weekday_mismatch": {"Day of Week": "Tuesday"},
        "soc_decreases": {"State of Charge (End %)": "29,4"},
    }
    fine = {
        "a minute's grace": {"Charging Duration (hours)": "2,516"},
        "after midnight": {
            "Charging Start Time": "31/12/23 23:59",
            "Charging End Time": "01/01/24 08:00",
            "Day of Week": "Sunday",
        },
    }
    told = [{**row, "Charging Station ID": name} for name, row in (faults | fine).items()] + [
        {"Energy Consumed (kWh)": "", "Charging Station ID": "incomplete"}
    ]
    content = made_files.patterns_file(*told)
    result = loaded(engine, settings, "ev_charging_patterns", tmp_path / "p.csv", content)
    assert counts(result) == {"received": 6, "stored": 5, "quarantined": 1}
    assert result.tally.warnings == dict.fromkeys(faults, 1)
    assert result.tally.reasons == {"missing_field": 1}
    said = "select station_id, quality_codes from ev_session where quality = 'warning'"
    assert {name: codes[:1] for name, codes in rows(engine, said)} == {
        name: [name] for name in faults
    }
    again = loaded(engine, settings, "ev_charging_patterns", tmp_path / "again.csv", content)
    assert counts(again) == {"received": 6, "duplicate": 5, "quarantined": 1}
    assert_ledger_adds_up(engine)


def test_the_patterns_without_times_are_stored_and_say_where_theirs_are_from(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    content = made_files.patterns_variant(
        {}, {"Charging Station ID": "S2", "Day of Week": "Friday"}
    )
    result = loaded(engine, settings, "ev_charging_patterns", tmp_path / "p.csv", content)
    assert counts(result) == {"received": 2, "stored": 2}
    assert (result.tally.warnings, result.tally.notes["time_assigned"]) == ({}, 2)
    lasted = "select extract(epoch from ended_at - started_at)::float8 from ev_session"
    assert rows(engine, lasted) == [9_000.0] * 2
    assert rows(engine, "select distinct ended_at = received_at, user_id from ev_session") == [
        (True, None)
    ]
    again = loaded(engine, settings, "ev_charging_patterns", tmp_path / "again.csv", content)
    assert counts(again) == {"received": 2, "duplicate": 2}


def test_a_registry_of_a_country_is_loaded_with_repeated_places_and_huge_powers(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    stations = (
        {
            "Station ID": str(number),
            "Latitude": f"{38.5 + number % 700 / 1000:.4f}",
            "Potência Máxima Admissível (kW)": str(60_000 if number % 9_000 == 0 else 41.4),
        }
        for number in range(N_EREDES)
    )
    content = made_files.eredes_file(stations)
    result = loaded(engine, settings, "eredes_stations", tmp_path / "e.csv", content)
    assert counts(result) == {"received": N_EREDES, "stored": N_EREDES}
    assert rows(
        engine,
        "select count(*), count(distinct latitude), max(power_kw), min(scope), min(district)"
        " from ev_station where is_registered and time_zone = 'Europe/Lisbon'",
    ) == [(N_EREDES, 700, 60_000.0, settings.operator, "Évora")]
    again = loaded(engine, settings, "eredes_stations", tmp_path / "again.csv", content)
    assert counts(again) == {"received": N_EREDES, "duplicate": N_EREDES}
    patterns = made_files.patterns_file({"Charging Station ID": "9"})
    session = loaded(engine, settings, "ev_charging_patterns", tmp_path / "p.csv", patterns)
    assert "station_unregistered" not in session.tally.notes


def test_acn_sessions_are_known_by_their_id_in_both_forms(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    sessions: list[dict[str, Any]] = [
        {"sessionID": "1"},
        {"sessionID": "2", "spaceID": "CA-1", "doneChargingTime": None},
        {"sessionID": "3", "spaceID": "CA-2", "doneChargingTime": "Wed, 25 Apr 2018 13:20:12 GMT"},
        {"sessionID": "4", "spaceID": "CA-3", "doneChargingTime": "Wed, 25 Apr 2018 11:00:00 GMT"},
    ]
    nested = made_files.acn_document(*sessions)
    result = loaded(engine, settings, "acn", tmp_path / "nested.json", nested)
    assert counts(result) == {"received": 4, "stored": 3, "quarantined": 1}
    assert result.tally.warnings == {"charging_longer_than_session": 1}
    assert result.tally.reasons == {"bad_value": 1}
    listed = made_files.acn_document(*sessions, is_nested=False)
    again = loaded(engine, settings, "acn", tmp_path / "list.json", listed)
    assert counts(again) == {"received": 4, "duplicate": 3, "quarantined": 1}
    assert rows(
        engine,
        "select scope, started_local_at::text, charging_duration_h from ev_session"
        " where source_session_id = '1'",
    ) == [("acn", "2018-04-25 04:08:04", 1.5)]
