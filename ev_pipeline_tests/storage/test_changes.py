"""A reader's place in the change log: what is committed for good, and never further back."""

import sqlalchemy as sa

from ev_pipeline.storage.changes import horizon_now, horizon_of, place_reader
from ev_pipeline_tests.storage.sample import sample_sessions, store

READER = "somebody"


def _seq(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        found = connection.exec_driver_sql(f"select seq from ev_reader where reader = '{READER}'")
        return int(found.scalar_one())


def _newest(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        found = connection.exec_driver_sql("select max(seq) from ev_session_change")
        return int(found.scalar_one())


def _place(engine: sa.Engine) -> str:
    with engine.begin() as connection:
        horizon = horizon_now(connection)
        place_reader(connection, READER, horizon)
    return horizon


def test_a_reader_has_read_what_is_committed_and_not_what_a_running_transaction_passed(
    engine: sa.Engine,
) -> None:
    sessions = sample_sessions()
    with engine.begin() as connection:
        store(connection, sessions[:10])
    first = _newest(engine)
    _place(engine)
    assert _seq(engine) == first
    with engine.begin() as running:
        store(running, sessions[10:20])
        with engine.begin() as connection:
            store(connection, sessions[20:30])
        _place(engine)
        assert _seq(engine) == first
    _place(engine)
    assert _seq(engine) == _newest(engine)


def test_a_reader_that_is_placed_again_keeps_its_number(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        store(connection, sample_sessions()[:10])
        assert horizon_of(connection, READER) is None
    horizon = _place(engine)
    with engine.begin() as connection:
        place_reader(connection, READER, horizon)
        assert horizon_of(connection, READER) == horizon
    assert _seq(engine) == _newest(engine)
