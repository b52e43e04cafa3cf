"""Marked statements are planned once a connection, and answer what they would otherwise."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from ev_pipeline.storage.faults import is_infrastructure_fault
from ev_pipeline.storage.planned import (
    later,
    marked,
    plan_for,
    plan_once,
    planned,
    send_waiting,
)

N_PREPARED = sa.text(
    "select count(*), sum(generic_plans + custom_plans) from pg_prepared_statements"
)

SUM = planned("select :one + cast(:two as int), '100%', :one - 1")


@pytest.fixture
def planning(engine: sa.Engine) -> sa.Engine:
    plan_once(engine)
    plan_once(engine)  # two parts of a program may ask
    return engine


def test_a_marked_statement_is_prepared_once_and_answers_anew(planning: sa.Engine) -> None:
    with planning.begin() as connection:
        for one in range(8):
            assert connection.execute(SUM, {"one": one, "two": 10}).one() == (
                one + 10,
                "100%",
                one - 1,
            )
        assert connection.execute(N_PREPARED).one() == (1, 8)


def test_what_is_not_marked_is_not_prepared(planning: sa.Engine) -> None:
    with planning.begin() as connection:
        connection.execute(sa.text("select cast(:one as int)"), {"one": 1})
        assert connection.execute(N_PREPARED).one() == (0, None)


def test_an_engine_that_was_not_asked_prepares_nothing(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        assert connection.execute(SUM, {"one": 1, "two": 2}).one() == (3, "100%", 0)
        assert connection.execute(N_PREPARED).one() == (0, None)


def test_times_lists_and_nothing_arrive_as_they_are(planning: sa.Engine) -> None:
    now = datetime.now(UTC)
    given = {"at": now, "span": timedelta(seconds=90), "ids": ["a", "it's"], "none": None}
    every = planned(
        "select cast(:at as timestamptz), cast(:span as interval), cast(:ids as text[]),"
        " cast(:none as float8)"
    )
    with planning.begin() as connection:
        assert connection.execute(every, given).one() == (
            now,
            timedelta(seconds=90),
            ["a", "it's"],
            None,
        )


def test_it_outlives_the_transaction_and_sees_a_table_that_was_made_anew(
    planning: sa.Engine,
) -> None:
    counted = planned("select count(*) from waiting")
    with planning.connect() as connection:
        for n_rows in (3, 5):
            transaction = connection.begin()
            connection.exec_driver_sql(
                f"create temp table waiting as select generate_series(1, {n_rows}) as n"
            )
            assert connection.execute(counted).scalar_one() == n_rows
            transaction.rollback()


def test_rows_that_a_statement_wrote_are_counted(planning: sa.Engine) -> None:
    written = planned("insert into waiting select n from generate_series(1, :most) n")
    with planning.begin() as connection:
        connection.exec_driver_sql("create temp table waiting (n int)")
        assert [connection.execute(written, {"most": most}).rowcount for most in (4, 2)] == [4, 2]


def test_a_fault_is_raised_and_the_next_transaction_goes_on(planning: sa.Engine) -> None:
    broken = marked(sa.text("select * from no_such_table"))
    for _ in range(2):
        with pytest.raises(sa.exc.ProgrammingError), planning.begin() as connection:
            connection.execute(broken)
    with planning.begin() as connection:
        assert connection.execute(SUM, {"one": 1, "two": 2}).one() == (3, "100%", 0)


def test_what_a_migration_changed_ends_the_connection_and_passes(planning: sa.Engine) -> None:
    answered = planned("select answer from changing")
    with planning.begin() as connection:
        connection.exec_driver_sql("create table changing as select 1 as answer")
    with planning.connect() as worker:
        assert worker.execute(answered).scalar_one() == 1
        worker.commit()
        with planning.begin() as migration:
            migration.exec_driver_sql("alter table changing alter answer type text")
        with pytest.raises(sa.exc.DBAPIError) as caught:
            worker.execute(answered)
    assert is_infrastructure_fault(caught.value)
    with planning.begin() as connection:
        assert connection.execute(answered).scalar_one() == "1"


def test_plans_are_made_anew_once_the_sessions_have_doubled(planning: sa.Engine) -> None:
    with planning.begin() as connection:
        connection.execute(planned("select count(*) from ev_session"))
        made = []
        for n_bytes in (0, 8192, 16384, 16385, 20000):
            plan_for(connection, n_bytes)
            made.append(connection.info["ev_planned_for_bytes"] if n_bytes else None)
        assert made == [None, 8192, 8192, 16385, 16385]


WAITING = planned("insert into waiting values (:word)")
WORDS = planned("select array(select word from waiting)")


def make_waiting(connection: sa.Connection) -> None:
    connection.exec_driver_sql("create temp table if not exists waiting (word text)")
    connection.exec_driver_sql("truncate waiting")


def test_what_waits_runs_in_order_before_the_next_statement(planning: sa.Engine) -> None:
    words = ["50 %", "it's; drop table waiting", "%(word)s", "\\ \u00e4\u2028", ""]
    with planning.begin() as connection:
        make_waiting(connection)
        connection.execute(WORDS)  # from here on the connection plans
        for word in words:
            later(connection, WAITING, word=word)
        assert connection.execute(WORDS).scalar_one() == words
        later(connection, WAITING, word="last")
        assert (
            connection.exec_driver_sql("delete from waiting where word like '50%%'").rowcount == 1
        )
        assert connection.execute(WORDS).scalar_one() == [*words[1:], "last"]


def test_what_waits_at_the_end_is_committed_or_taken_back_with_the_rest(
    planning: sa.Engine,
) -> None:
    with planning.connect() as connection:
        make_waiting(connection)
        connection.execute(WORDS)
        later(connection, WAITING, word="kept")
        connection.commit()
        with connection.begin() as transaction:
            later(connection, WAITING, word="taken back")
            transaction.rollback()
        assert connection.execute(WORDS).scalar_one() == ["kept"]


def test_what_waits_has_its_fault_raised_by_the_next(planning: sa.Engine) -> None:
    divided = planned("select 1 / cast(:by as int)")
    with planning.connect() as connection:
        connection.execute(divided, {"by": 1})
        later(connection, divided, by=0)
        with pytest.raises(sa.exc.DataError, match="division by zero"):
            connection.execute(SUM, {"one": 1, "two": 2})
        connection.rollback()
        assert connection.execute(SUM, {"one": 1, "two": 2}).one() == (3, "100%", 0)


@pytest.mark.parametrize("is_sent", [True, False])
def test_what_fails_at_the_end_leaves_a_connection_that_can_be_used(
    planning: sa.Engine,
    is_sent: bool,  # noqa: FBT001 -- pytest gives it by name
) -> None:
    divided = planned("select 1 / cast(:by as int)")
    with planning.connect() as connection:
        for by in (1, 0, 0):
            raises = contextlib.nullcontext() if by else pytest.raises(sa.exc.DataError)
            with raises, connection.begin():
                connection.execute(SUM, {"one": 1, "two": 2}).one()
                later(connection, divided, by=by)
                if is_sent:
                    send_waiting(connection)
        with connection.begin():
            assert connection.execute(SUM, {"one": 1, "two": 2}).one() == (3, "100%", 0)


def test_where_nothing_is_planned_nothing_waits(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        make_waiting(connection)
        later(connection, WAITING, word="at once")
        assert connection.exec_driver_sql("select word from waiting").scalar_one() == "at once"
