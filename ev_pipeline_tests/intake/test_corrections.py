"""A file loaded twice stores nothing the second time, whatever it says of a session."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ev_pipeline.intake.load import load_file
from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline_tests.intake.files import CANONICAL, CORRECTING, a_session, dump, rows
from ev_pipeline_tests.intake.loader import Loader, counts

SAMPLE = Path(__file__).parents[2] / "data" / "sessions.csv"
EARLY, MIDDLE, LATE = (f"2024-05-06T1{hour}:00:00Z" for hour in (1, 2, 3))
HELD = "select energy_kwh from ev_session order by source_session_id"

TWO_VERSIONS: list[tuple[str, list[dict[str, Any]], Mapping]] = [
    ("times", [a_session(updated_at=EARLY), a_session(updated_at=LATE, energy_kwh=7)], CANONICAL),
    ("corrections", [a_session(), a_session(energy_kwh=7)], CORRECTING),
    ("there and back", [a_session(), a_session(energy_kwh=7), a_session()], CORRECTING),
    ("less", [a_session(cost=1), a_session(), a_session(energy_kwh=7)], CORRECTING),
    ("another station", [a_session(), a_session(station_id="B")], CORRECTING),
    ("conflict", [a_session(), a_session(energy_kwh=7)], CANONICAL),
]


@pytest.mark.parametrize(
    ("versions", "mapping"), [case[1:] for case in TWO_VERSIONS], ids=[c[0] for c in TWO_VERSIONS]
)
def test_a_file_with_versions_of_a_session_stores_nothing_the_second_time(
    load: Loader, engine: sa.Engine, versions: list[dict[str, Any]], mapping: Mapping
) -> None:
    first = load(*versions, mapping=mapping)
    before = dump(engine)
    again = load(*versions, mapping=mapping)
    assert counts(again) == {
        "received": len(versions),
        "duplicate": len(versions) - first.tally.counts.quarantined,
    } | ({"quarantined": n} if (n := first.tally.counts.quarantined) else {})
    after = dump(engine)
    for table in ("ev_session", "ev_session_history", "ev_session_change"):
        assert after[table] == before[table]
    assert len(after["ev_quarantine"]) == len(before["ev_quarantine"])


@pytest.mark.parametrize("mapping", [CANONICAL, CORRECTING])
def test_an_older_record_never_replaces_a_newer_one(
    load: Loader, engine: sa.Engine, mapping: Mapping
) -> None:
    load(a_session(updated_at=LATE, energy_kwh=7))
    late = load(a_session(updated_at=EARLY), mapping=mapping)
    assert counts(late) == {"received": 1, "duplicate": 1}
    assert late.tally.duplicates_of == {1: 1}
    assert rows(engine, HELD) == [7]


def test_a_record_without_a_time_does_not_make_older_ones_welcome(
    load: Loader, engine: sa.Engine
) -> None:
    load(a_session(updated_at=LATE), a_session(energy_kwh=7), mapping=CORRECTING)
    load(a_session(updated_at=EARLY, energy_kwh=8), mapping=CORRECTING)
    assert rows(engine, HELD) == [7]


def test_a_former_revision_that_comes_again_is_a_duplicate_of_its_load(
    load: Loader, engine: sa.Engine
) -> None:
    load(a_session())
    load(a_session(energy_kwh=7), mapping=CORRECTING)
    again = load(a_session(), mapping=CORRECTING)
    assert counts(again) == {"received": 1, "duplicate": 1}
    assert again.tally.duplicates_of == {1: 1}
    assert rows(engine, HELD) == [7]


def test_a_revision_of_a_load_taken_back_is_no_former_one(load: Loader, engine: sa.Engine) -> None:
    load(a_session())
    load(a_session(energy_kwh=7), a_session(energy_kwh=8), mapping=CORRECTING)
    load.undo(2)
    assert rows(engine, "select count(*) from ev_session_history") == [0]
    assert counts(load(a_session(energy_kwh=7), mapping=CORRECTING)) == {
        "received": 1,
        "updated": 1,
    }
    assert rows(engine, HELD) == [7]


def test_what_a_load_brought_and_replaced_itself_goes_with_it(
    load: Loader, engine: sa.Engine
) -> None:
    load(a_session())
    load(a_session(energy_kwh=7), a_session(energy_kwh=8), mapping=CORRECTING)
    load(a_session(energy_kwh=9), a_session(energy_kwh=10), mapping=CORRECTING)
    load.undo(2)
    load.undo(3)
    assert rows(engine, HELD) == [12.5]
    assert rows(engine, "select * from ev_session_history") == []


def test_a_correction_back_to_what_was_is_one_when_it_says_when(
    load: Loader, engine: sa.Engine
) -> None:
    load(a_session(updated_at=EARLY), a_session(updated_at=MIDDLE, energy_kwh=7))
    assert counts(load(a_session(updated_at=LATE))) == {"received": 1, "updated": 1}
    assert rows(engine, HELD) == [12.5]


def test_the_sample_that_ships_stores_and_quarantines_nothing_new_the_second_time(
    engine: sa.Engine, settings: Settings
) -> None:
    first, again = (load_file(engine, settings, CANONICAL, SAMPLE).tally.counts for _ in range(2))
    assert first.updated > 0
    assert (again.stored, again.updated) == (0, 0)
    assert rows(engine, "select count(*) from ev_quarantine") == [first.quarantined]
    completed = "select count(*) from ev_quarantine where state = 'superseded'"
    assert rows(engine, completed) == [first.quarantined - again.quarantined]
