"""Staging tables: made once a connection, empty at the start of every job."""

import sqlalchemy as sa

from ev_pipeline.storage.planned import plan_once
from ev_pipeline.storage.staging import open_staging

STAGE_ONE = sa.text("insert into incoming (ordinal, session_id) values (0, gen_random_uuid())")
STAGE_MANY = sa.text("""
    insert into incoming (ordinal, session_id, station_id)
    select n, gen_random_uuid(), repeat('station', 20) from generate_series(1, 200) n
""")
SIZE = sa.text("select pg_table_size('pg_temp.incoming'::regclass)")
MEET_IT = sa.text("insert into met select session_id, 1 from incoming")


def count(connection: sa.Connection, table: str) -> int:
    return int(connection.execute(sa.text(f"select count(*) from {table}")).scalar_one())


def table_id(connection: sa.Connection) -> int:
    return int(connection.execute(sa.text("select 'pg_temp.incoming'::regclass::int")).scalar_one())


def test_a_connection_makes_its_staging_tables_once(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        made = []
        for _ in range(2):
            with connection.begin():
                open_staging(connection)
                made.append(table_id(connection))
    assert made[0] == made[1]


def test_nothing_that_a_transaction_staged_is_seen_by_the_next(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        with connection.begin():
            open_staging(connection)
            connection.execute(STAGE_ONE)
        with connection.begin():
            open_staging(connection)
            assert count(connection, "incoming") == 0


def test_the_second_job_of_a_transaction_does_not_see_what_the_first_staged(
    engine: sa.Engine,
) -> None:
    with engine.connect() as connection, connection.begin():
        for _ in range(2):
            open_staging(connection)
            assert count(connection, "incoming") == 0
            connection.execute(STAGE_ONE)
            connection.execute(MEET_IT)


def test_staging_is_made_again_after_its_making_was_taken_back(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        with connection.begin() as transaction:
            open_staging(connection)
            transaction.rollback()
        with connection.begin():
            open_staging(connection)
            assert count(connection, "landing") == 0


def test_two_jobs_whose_tables_are_taken_back_leave_nobody_to_believe_in_them(
    engine: sa.Engine,
) -> None:
    plan_once(engine)
    with engine.connect() as connection:
        with connection.begin() as transaction:
            for _ in range(2):
                open_staging(connection, 1)
            transaction.rollback()
        for _ in range(3):
            with connection.begin():
                open_staging(connection, 1)
                assert count(connection, "incoming") == 0
                connection.execute(STAGE_ONE)


def test_many_small_jobs_of_a_connection_that_plans_are_emptied_and_at_last_truncated(
    engine: sa.Engine,
) -> None:
    plan_once(engine)
    sizes = []
    with engine.connect() as connection:
        for _ in range(60):
            with connection.begin():
                open_staging(connection, 200)
                assert count(connection, "incoming") == 0
                connection.execute(STAGE_MANY)
                sizes.append(connection.execute(SIZE).scalar_one())
    assert max(sizes) > sizes[0]
    assert sizes != sorted(sizes)


def test_a_record_that_is_met_nowhere_lands_and_one_that_is_met_waits_for_a_decision(
    engine: sa.Engine,
) -> None:
    with engine.connect() as connection, connection.begin():
        open_staging(connection)
        connection.execute(STAGE_ONE)
        assert count(connection, "landing") == 1
        connection.execute(MEET_IT)
        assert count(connection, "landing") == 0
