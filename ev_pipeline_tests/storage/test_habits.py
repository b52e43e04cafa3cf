"""Features of users and stations, made of those that new sessions touch."""

import polars as pl
import pytest
import sqlalchemy as sa
from polars.testing import assert_frame_equal

from ev_pipeline.storage.frames import read_frame
from ev_pipeline.storage.habits import STATIONS, USERS, Habits, make_all, make_touched
from ev_pipeline_tests.storage.sample import correct, delete, sample_sessions, store


def held(engine: sa.Engine, habits: Habits) -> pl.DataFrame:
    return read_frame(engine, f"select * from {habits.table.name} order by scope, {habits.owner}")


@pytest.mark.parametrize("habits", [USERS, STATIONS], ids=["users", "stations"])
def test_touched_ones_end_as_if_all_had_been_made_anew(engine: sa.Engine, habits: Habits) -> None:
    sessions = sample_sessions()
    before, after = sessions[:3_000], sessions[3_000:3_040]
    with engine.begin() as connection:
        store(connection, before)
    make_touched(engine, habits)
    chosen = before["session_id"].sample(8, seed=1).to_list()
    with engine.begin() as connection:
        store(connection, after)
        for session_id in chosen[:4]:
            correct(connection, session_id, energy_kwh=1.25)
        delete(connection, chosen[4:])
    made = make_touched(engine, habits)
    assert 0 < len(made) < len(held(engine, habits))
    touched = held(engine, habits)
    make_all(engine, habits)
    assert_frame_equal(touched, held(engine, habits), rel_tol=1e-12)


def test_nothing_new_makes_nothing(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        store(connection, sample_sessions()[:100])
    make_all(engine, USERS)
    assert make_touched(engine, USERS).is_empty()


def test_who_has_no_session_left_has_no_row(engine: sa.Engine) -> None:
    sessions = sample_sessions()
    station = sessions["station_id"][0]
    with engine.begin() as connection:
        store(connection, sessions)
    make_all(engine, STATIONS)
    with engine.begin() as connection:
        gone = sessions.filter(pl.col("station_id") == station)
        delete(connection, gone["session_id"].to_list())
    make_touched(engine, STATIONS)
    assert station not in held(engine, STATIONS)["station_id"]


def test_what_a_running_transaction_writes_is_found_once_it_is_committed(
    engine: sa.Engine,
) -> None:
    sessions = sample_sessions()
    with engine.begin() as connection:
        store(connection, sessions[:100])
    make_all(engine, USERS)
    with engine.connect() as late, late.begin() as transaction:
        store(late, sessions[100:200])
        with engine.begin() as connection:
            store(connection, sessions[200:300])
        make_touched(engine, USERS)
        transaction.commit()
    make_touched(engine, USERS)
    touched = held(engine, USERS)
    make_all(engine, USERS)
    assert_frame_equal(touched, held(engine, USERS), rel_tol=1e-12)
