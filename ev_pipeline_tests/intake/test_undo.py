import pytest
import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.intake.undo import undo_load
from ev_pipeline_tests.intake.files import (
    CORRECTING,
    a_session,
    assert_ledger_adds_up,
    assert_rollups_are_exact,
    lasting,
    rows,
    unfinished,
)
from ev_pipeline_tests.intake.loader import Loader


def test_an_undone_load_is_as_if_it_had_never_been(load: Loader, engine: sa.Engine) -> None:
    load(a_session(), unfinished(session_id="S2"), a_session(session_id="S3", energy_kwh=0))
    before = lasting(engine)
    load(
        a_session(session_id="S2", station_id="B"),
        a_session(session_id="S3", energy_kwh=0),
        a_session(session_id="S4", energy_kwh=0),
        a_session(session_id="S5", station_id="C"),
    )
    assert rows(engine, "select count(*) from ev_station") == [3]
    undone = undo_load(engine, load.settings, 2)
    assert undone.counts.as_columns() == {
        "received": 4,
        "stored": 2,
        "updated": 0,
        "duplicate": 0,
        "quarantined": 2,
    }
    assert lasting(engine) == before
    assert_ledger_adds_up(engine)
    assert_rollups_are_exact(engine, load.settings.timezone)


def test_what_a_load_replaced_comes_back_as_a_new_revision(load: Loader, engine: sa.Engine) -> None:
    load(a_session())
    load(a_session(energy_kwh=7), mapping=CORRECTING)
    load.undo(2)
    held = "select revision, energy_kwh, load_id from ev_session"
    assert rows(engine, held) == [(3, 12.5, 1)]
    assert rows(engine, "select count(*) from ev_session_history") == [0]
    assert rows(engine, "select kind, sign, revision from ev_session_change order by seq") == [
        ("insert", 1, 1),
        ("correction", -1, 1),
        ("correction", 1, 2),
        ("correction", -1, 2),
        ("correction", 1, 3),
    ]


def test_a_load_whose_rows_were_replaced_since_goes_without_touching_them(
    load: Loader, engine: sa.Engine
) -> None:
    load(a_session())
    load(a_session(energy_kwh=7), mapping=CORRECTING)
    load(a_session(energy_kwh=8), mapping=CORRECTING)
    load.undo(2)
    assert rows(engine, "select energy_kwh from ev_session") == [8.0]
    load.undo(1)
    assert rows(engine, "select energy_kwh from ev_session") == [8.0]
    load.undo(3)
    assert rows(engine, "select * from ev_session") == []
    assert rows(engine, "select * from ev_session_history") == []
    assert rows(engine, "select * from ev_ledger") == []


def test_an_undone_load_names_those_that_had_met_its_sessions(
    load: Loader, engine: sa.Engine
) -> None:
    load(a_session())
    load(a_session())
    load(unfinished())
    load(a_session(session_id="S9"))
    assert load.undo(1) == [2, 3]
    load.undo(2)
    assert load(a_session()).load_id == 5
    assert rows(engine, "select load_id from ev_session order by 1") == [4, 5]


def test_labels_of_sessions_that_went_go_with_them(load: Loader, engine: sa.Engine) -> None:
    load(a_session())
    with engine.begin() as connection:
        connection.execute(
            sa.text("create table ev_session_label_m partition of ev_session_label default")
        )
        connection.execute(
            sa.text(
                "insert into ev_session_label select 'm', session_id, 1, 0, 0, 0, false, '[]',"
                " now(), 'batch' from ev_session"
            )
        )
    load.undo(1)
    assert rows(engine, "select * from ev_session_label") == []


@pytest.mark.parametrize(("load_id", "message"), [(99, "no load 99"), (1, "taken back already")])
def test_an_unknown_or_undone_load_is_refused(load: Loader, load_id: int, message: str) -> None:
    load(a_session())
    load.undo(1)
    with pytest.raises(PipelineError, match=message):
        load.undo(load_id)
