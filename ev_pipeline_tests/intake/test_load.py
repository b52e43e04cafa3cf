from pathlib import Path

import pytest
import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.intake.load import load_file
from ev_pipeline.settings import Settings
from ev_pipeline_tests.intake.files import (
    CANONICAL,
    CORRECTING,
    a_session,
    assert_ledger_adds_up,
    assert_rollups_are_exact,
    dump,
    rows,
    unfinished,
    write_sessions,
    write_table,
)
from ev_pipeline_tests.intake.loader import Loader, counts


def test_a_session_sent_twice_is_stored_once(load: Loader, engine: sa.Engine) -> None:
    assert counts(load(a_session(), a_session())) == {"received": 2, "stored": 1, "duplicate": 1}
    again = load(a_session())
    assert counts(again) == {"received": 1, "duplicate": 1}
    assert again.tally.duplicates_of == {1: 1}
    assert rows(engine, "select count(*) from ev_session") == [1]
    assert_ledger_adds_up(engine)


def test_a_record_that_says_less_is_a_duplicate(load: Loader) -> None:
    load(a_session(cost=4.2, currency="EUR"))
    assert counts(load(a_session(user_id=None))) == {"received": 1, "duplicate": 1}


def test_other_content_for_a_stored_id_is_quarantined_with_its_bytes(
    load: Loader, engine: sa.Engine
) -> None:
    load(a_session())
    other = a_session(energy_kwh=13)
    result = load(a_session(session_id="S2"), other)
    assert counts(result) == {"received": 2, "stored": 1, "quarantined": 1}
    assert result.tally.reasons == {"conflicts_with_stored": 1}
    raw, reasons, line = rows(
        engine,
        "select raw, reasons, line from ev_quarantine join ev_quarantine_sighting"
        " using (quarantine_id)",
    )[0]
    assert b'"energy_kwh": 13' in bytes(raw).replace(b":13", b": 13")
    assert reasons[0]["message"] == "the stored session of this id says otherwise"
    assert line == 2
    assert rows(engine, "select energy_kwh from ev_session order by 1") == [12.5, 12.5]


def test_a_conflict_in_the_hour_that_exists_twice_keeps_the_reading_that_was_chosen(
    load: Loader, engine: sa.Engine
) -> None:
    local = CANONICAL.model_copy(update={"zone": "Europe/London"})
    before = {"started_at": "2023-10-29T00:05:00Z", "ended_at": "2023-10-29T00:50:00Z"}
    twice = {"started_at": "2023-10-29T01:10:00", "ended_at": "2023-10-29T01:40:00"}
    load(a_session(**before), a_session(session_id="S2", **twice), mapping=local)
    load(a_session(session_id="S2", energy_kwh=7, **twice), mapping=local)
    chosen = "select started_at at time zone 'UTC' from {} where source_session_id = 'S2'"
    (stored_at,) = rows(engine, chosen.format("ev_session"))
    assert (stored_at.hour, stored_at.minute) == (1, 10)
    assert rows(engine, chosen.format("ev_quarantine")) == [stored_at]


def test_a_newer_record_replaces_the_row_and_keeps_the_old_one(
    load: Loader, engine: sa.Engine
) -> None:
    load(a_session(updated_at="2024-05-06T11:00:00Z", cost=1.0, currency="EUR"))
    newer = a_session(updated_at="2024-05-06T12:00:00Z", energy_kwh=13)
    assert counts(load(newer)) == {"received": 1, "updated": 1}
    assert rows(engine, "select revision, energy_kwh, cost from ev_session") == [(2, 13.0, None)]
    assert rows(
        engine,
        "select revision, session->>'cost', load_id, replaced_by_load from ev_session_history",
    ) == [(1, "1", 1, 2)]
    assert rows(engine, "select sign, kind, revision from ev_session_change order by seq") == [
        (1, "insert", 1),
        (-1, "correction", 1),
        (1, "correction", 2),
    ]
    assert_rollups_are_exact(engine, "UTC")
    same_time = a_session(updated_at="2024-05-06T12:00:00Z", energy_kwh=14)
    assert counts(load(same_time)) == {"received": 1, "quarantined": 1}


def test_a_source_that_declares_corrections_replaces_without_a_time(
    load: Loader, engine: sa.Engine
) -> None:
    result = load(a_session(), a_session(energy_kwh=13), mapping=CORRECTING)
    assert counts(result) == {"received": 2, "stored": 1, "updated": 1}
    assert rows(engine, "select revision, energy_kwh from ev_session") == [(2, 13.0)]
    assert rows(engine, "select kind, sign from ev_session_change") == [("insert", 1)]


def test_a_completed_session_supersedes_its_unfinished_entry(
    load: Loader, engine: sa.Engine
) -> None:
    assert counts(load(unfinished(), a_session())) == {
        "received": 2,
        "stored": 1,
        "quarantined": 1,
    }
    assert rows(engine, "select state, settled_by_load from ev_quarantine") == [("superseded", 1)]


def test_an_unfinished_record_after_the_completed_one_is_a_duplicate(load: Loader) -> None:
    result = load(a_session(), unfinished())
    assert counts(result) == {"received": 2, "stored": 1, "duplicate": 1}
    again = load(unfinished())
    assert counts(again) == {"received": 1, "duplicate": 1}
    assert again.tally.duplicates_of == {1: 1}


def test_an_unfinished_record_with_another_error_is_refused_although_it_is_stored(
    load: Loader,
) -> None:
    load(a_session())
    assert counts(load(unfinished(max_power_kw="lots"))) == {"received": 1, "quarantined": 1}


def test_warnings_count_rows_that_stay_and_not_what_the_same_file_replaced(load: Loader) -> None:
    first = a_session(energy_kwh=0.1, updated_at="2024-05-06T10:00:00Z")
    second = a_session(energy_kwh=0.2, updated_at="2024-05-06T11:00:00Z")
    result = load(first, second)
    assert counts(result) == {"received": 2, "stored": 1, "updated": 1}
    assert result.tally.warnings == {"under_0_5_kwh": 1}


def test_only_the_later_of_two_sessions_on_a_connector_is_flagged(
    load: Loader, engine: sa.Engine
) -> None:
    later = a_session(
        session_id="S2", started_at="2024-05-06T09:00:00Z", ended_at="2024-05-06T11:00:00Z"
    )
    elsewhere = {**later, "session_id": "S3", "connector_id": "2"}
    unknown = {**later, "session_id": "S4", "connector_id": None}
    result = load(later, a_session(), elsewhere, unknown)
    assert result.tally.warnings == {"overlaps_same_connector": 1}
    flagged = "select source_session_id from ev_session where quality = 'warning'"
    assert rows(engine, flagged) == ["S2"]


@pytest.mark.parametrize(
    ("started_at", "ended_at", "is_flagged"),
    [
        ("2024-05-06T07:00:00Z", "2024-05-06T09:00:00Z", True),
        ("2024-05-06T09:00:00Z", "2024-05-06T11:00:00Z", True),
        ("2024-05-06T09:00:00Z", "2024-05-06T09:30:00Z", True),
        ("2024-05-01T09:00:00Z", "2024-05-16T09:30:00Z", True),
        ("2024-05-06T10:00:00Z", "2024-05-06T11:00:00Z", False),
        ("2024-05-06T06:00:00Z", "2024-05-06T08:00:00Z", False),
    ],
)
def test_a_session_that_overlaps_a_stored_one_is_flagged_and_the_stored_one_is_not(
    load: Loader, engine: sa.Engine, started_at: str, ended_at: str, *, is_flagged: bool
) -> None:
    load(a_session())
    load(a_session(session_id="S2", started_at=started_at, ended_at=ended_at))
    flagged = rows(
        engine,
        "select source_session_id from ev_session"
        " where 'overlaps_same_connector' = any(quality_codes)",
    )
    assert flagged == (["S2"] if is_flagged else [])


def test_a_stored_session_of_many_days_is_found(load: Loader, engine: sa.Engine) -> None:
    load(a_session(ended_at="2024-05-20T10:00:00Z"))
    inside = a_session(
        session_id="S2", started_at="2024-05-15T09:00:00Z", ended_at="2024-05-15T10:00:00Z"
    )
    assert load(inside).tally.warnings == {"overlaps_same_connector": 1}


def test_a_station_that_only_sessions_name_gets_a_row(load: Loader, engine: sa.Engine) -> None:
    load(a_session(), a_session(session_id="S2", station_id="B", ended_at=None))
    stations = rows(engine, "select scope, station_id, is_registered, source from ev_station")
    assert stations == [("default", "A", False, "canonical")]


def test_the_local_start_follows_the_reporting_zone_where_none_is_known(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    path = write_sessions(tmp_path / "s.json", [a_session()])
    lisbon = settings.model_copy(update={"timezone": "Europe/Lisbon"})
    load_file(engine, lisbon, CANONICAL, path)
    assert rows(engine, "select started_local_at::text from ev_session") == ["2024-05-06 09:00:00"]


def test_a_dry_run_counts_and_leaves_nothing(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    before = dump(engine)
    path = write_sessions(tmp_path / "s.json", [a_session(), unfinished(session_id="S2")])
    result = load_file(engine, settings, CANONICAL, path, dry_run=True)
    assert counts(result) == {"received": 2, "stored": 1, "quarantined": 1}
    assert result.load_id is None
    assert dump(engine) == before


def test_a_file_that_cannot_be_read_to_its_end_stores_nothing(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "s.json"
    path.write_text('[{"station_id": "A", "started_at": "2024-05-06T08:00:00Z"},', encoding="utf-8")
    before = dump(engine)
    with pytest.raises(PipelineError, match=r"s\.json"):
        load_file(engine, settings, CANONICAL, path)
    assert dump(engine) == before


def test_a_file_with_only_a_header_is_a_load_of_nothing(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "s.csv"
    path.write_text("station_id,started_at,ended_at,energy_kwh\n", encoding="utf-8")
    assert counts(load_file(engine, settings, CANONICAL, path)) == {}
    assert rows(engine, "select received from ev_load") == [0]
    assert rows(engine, "select * from ev_ledger") == []


HOSTILE = [
    "'; drop table ev_session; --",
    '"quoted", with commas',
    "two\nlines",
    "\\.",
    "\\N",
    "NULL",
    "{a,b}",
    "🚗⚡",
    "\u202eright to left",
    "x" * 500,
    "$(reboot)",
]


def test_hostile_texts_are_stored_as_they_are(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    sessions = [
        a_session(session_id=f"{text}{n}", station_id=f"B{n}", user_id=text, stop_reason=text)
        for n, text in enumerate(HOSTILE)
    ]
    path = write_table(tmp_path / "s.csv", sessions)
    assert counts(load_file(engine, settings, CANONICAL, path)) == {
        "received": len(HOSTILE),
        "stored": len(HOSTILE),
    }
    assert rows(engine, 'select user_id from ev_session order by station_id collate "C"') == [
        text for _, text in sorted((f"B{n}", text) for n, text in enumerate(HOSTILE))
    ]


def test_a_station_whose_id_ends_a_copy_is_stored_beside_others(
    load: Loader, engine: sa.Engine
) -> None:
    stations = ["A", "Z", "\\."]
    load(*(a_session(session_id=f"S{name}", station_id=name) for name in stations))
    assert sorted(rows(engine, "select station_id from ev_station")) == stations


@pytest.mark.parametrize("text", ["a\0b", "\\u0000", "\\\0", "\\\\u0000"])
@pytest.mark.parametrize("field", ["user_id", "energy_kwh"])
def test_a_record_that_writes_a_nul_in_any_way_never_fails_its_file(
    load: Loader, field: str, text: str
) -> None:
    refused = a_session(**{"energy_kwh": "x", field: text})
    assert counts(load(refused)) == {"received": 1, "quarantined": 1}


def test_a_nul_in_a_record_is_quarantined(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "s.csv"
    path.write_bytes(
        b"station_id,started_at,ended_at,energy_kwh\n"
        b"A\0B,2024-05-06T08:00:00Z,2024-05-06T09:00:00Z,3\n"
    )
    assert counts(load_file(engine, settings, CANONICAL, path)) == {
        "received": 1,
        "quarantined": 1,
    }
    assert b"\0" in bytes(rows(engine, "select raw from ev_quarantine")[0])
