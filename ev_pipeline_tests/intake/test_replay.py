from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa

from ev_pipeline.intake.load import load_file
from ev_pipeline.intake.replay import replay
from ev_pipeline.intake.undo import undo_load
from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import parse_mapping
from ev_pipeline.storage.quarantine_queries import Selection, list_entries, show_entry
from ev_pipeline_tests.intake.files import (
    CANONICAL,
    a_session,
    assert_ledger_adds_up,
    assert_rollups_are_exact,
    lasting,
    rows,
    write_table,
)

STATES = "select source_session_id, state, times_seen from ev_quarantine order by 1"


@pytest.fixture
def refused(engine: sa.Engine, settings: Settings, tmp_path: Path) -> Settings:
    """Three refused records of one CSV file; returns settings that would take two of them."""
    sessions = [
        a_session(session_id="S1", energy_kwh=400),
        a_session(session_id="S2", energy_kwh=500, station_id="B"),
        a_session(session_id="S3", energy_kwh=0),
    ]
    strict = settings.model_copy(update={"max_energy_kwh": 300.0})
    load_file(engine, strict, CANONICAL, write_table(tmp_path / "s.csv", sessions))
    assert rows(engine, STATES) == [("S1", "open", 1), ("S2", "open", 1), ("S3", "open", 1)]
    return settings


def test_a_replay_takes_what_the_limits_now_allow(engine: sa.Engine, refused: Settings) -> None:
    (result,) = replay(engine, refused, Selection())
    counts = result.tally.counts
    assert (counts.received, counts.stored, counts.quarantined) == (3, 2, 1)
    assert rows(engine, STATES) == [("S1", "resolved", 1), ("S2", "resolved", 1), ("S3", "open", 2)]
    assert rows(engine, "select door, source, received from ev_ledger order by 1") == [
        ("file", "canonical", 3),
        ("replay", "canonical", 3),
    ]
    assert rows(engine, "select door, energy_kwh from ev_session order by 2") == [
        ("replay", 400.0),
        ("replay", 500.0),
    ]
    assert_ledger_adds_up(engine)
    assert_rollups_are_exact(engine, "UTC")


def test_a_replay_can_be_taken_back(engine: sa.Engine, refused: Settings) -> None:
    before = lasting(engine)
    (result,) = replay(engine, refused, Selection())
    assert result.load_id is not None
    undo_load(engine, refused, result.load_id)
    assert lasting(engine) == before


@pytest.mark.parametrize(
    ("selection", "n_received"),
    [
        (Selection(code="no_energy"), 1),
        (Selection(code="energy_over_1000_kwh"), 2),
        (Selection(source="canonical"), 3),
        (Selection(source="dundee"), 0),
        (Selection(load_id=1), 3),
        (Selection(load_id=2), 0),
    ],
)
def test_a_replay_takes_only_what_is_asked_for(
    engine: sa.Engine, refused: Settings, selection: Selection, n_received: int
) -> None:
    results = replay(engine, refused, selection)
    assert sum(result.tally.counts.received for result in results) == n_received


def test_single_entries_are_replayed_by_number(engine: sa.Engine, refused: Settings) -> None:
    wanted = rows(engine, "select quarantine_id from ev_quarantine where source_session_id = 'S2'")
    replay(engine, refused, Selection(quarantine_ids=tuple(wanted)))
    assert rows(engine, "select station_id from ev_session") == ["B"]


def test_a_mended_mapping_reads_the_same_bytes_anew(engine: sa.Engine, refused: Settings) -> None:
    text = CANONICAL.text.replace(
        'energy_kwh = "energy_kwh"', 'energy_kwh = {column = "energy_kwh", unit = "Wh"}'
    )
    assert text != CANONICAL.text
    mended = parse_mapping(text, where="mended")
    replay(engine, refused, Selection(code="energy_over_1000_kwh"), mended=mended)
    assert rows(engine, "select energy_kwh from ev_session order by 1") == [0.4, 0.5]


def test_the_same_row_under_another_header_is_another_record(
    engine: sa.Engine, refused: Settings, tmp_path: Path
) -> None:
    sessions = [a_session(session_id="S1", energy_kwh=400)]
    swapped = {"session_id": "user_id", "user_id": "session_id"}
    renamed = [{swapped.get(name, name): value for name, value in sessions[0].items()}]
    strict = refused.model_copy(update={"max_energy_kwh": 300.0})
    file = write_table(tmp_path / "swapped.csv", renamed)
    for _ in range(2):
        load_file(engine, strict, CANONICAL, file)
    header, row = (sha256(line).hexdigest() for line in file.read_bytes().splitlines())
    entries = "from ev_quarantine where raw_sha256 = :row order by header_sha256 = :header"
    seen = rows(engine, f"select times_seen {entries}", row=row, header=header)
    assert seen == [1, 2]
    replay(engine, refused, Selection(code="energy_over_1000_kwh"))
    found = rows(engine, "select source_session_id from ev_session where energy_kwh = 400")
    assert sorted(found) == ["S1", "U"]
    assert rows(engine, f"select state {entries}", row=row, header=header) == ["resolved"] * 2


def test_settled_entries_are_left_alone(engine: sa.Engine, refused: Settings) -> None:
    replay(engine, refused, Selection())
    (again,) = replay(engine, refused, Selection())
    assert again.tally.counts.received == 1


def test_an_entry_shows_reasons_bytes_and_places(engine: sa.Engine, refused: Settings) -> None:
    with engine.connect() as connection:
        (entry,) = list_entries(connection, Selection(code="no_energy"), limit=10)
        shown = show_entry(connection, entry["quarantine_id"])
    assert shown["raw"].startswith(b"S3,A,1,U,")
    assert [reason["code"] for reason in shown["reasons"]] == ["no_energy"]
    assert [(place["load_id"], place["line"]) for place in shown["met"]] == [(1, 4)]
