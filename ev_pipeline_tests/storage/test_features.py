"""Sessions read for features, and feature tables replaced under their readers."""

import uuid
from collections.abc import Iterator
from contextlib import closing

import polars as pl
import psycopg2
import pytest
import sqlalchemy as sa

from ev_pipeline.domain.features import merge_session_features
from ev_pipeline.domain.models.training import TRAINING_INPUTS
from ev_pipeline.stack.credentials import READER
from ev_pipeline.storage import features
from ev_pipeline.storage.frames import read_frame
from ev_pipeline.storage.habits import STATIONS, USERS, make_all
from ev_pipeline_tests.conftest import PostgresServer
from ev_pipeline_tests.storage.sample import sample_sessions, store


@pytest.fixture
def stored(engine: sa.Engine) -> sa.Engine:
    """A database with the sample's sessions, and features of users and stations."""
    with engine.begin() as connection:
        store(connection, sample_sessions())
    make_all(engine, USERS)
    make_all(engine, STATIONS)
    return engine


def _merged(engine: sa.Engine, *, batch_rows: int = 3_000) -> Iterator[pl.DataFrame]:
    users = features.read_user_features(engine).lazy()
    stations = features.read_station_features(engine).lazy()
    for batch in features.session_batches(engine, batch_rows=batch_rows):
        yield merge_session_features(batch.lazy(), users, stations).collect()


def _scalar(engine: sa.Engine, sql: str) -> object:
    with engine.connect() as connection:
        return connection.exec_driver_sql(sql).scalar()


def test_batches_give_each_session_once_in_order_of_id(stored: sa.Engine) -> None:
    batches = list(features.session_batches(stored, batch_rows=1_000))
    ids = pl.concat(batches)["session_id"]
    assert [len(batch) for batch in batches[:-1]] == [1_000] * (len(batches) - 1)
    assert ids.to_list() == sorted(sample_sessions()["session_id"].to_list())


def test_batches_hold_only_what_meets_the_condition(stored: sa.Engine) -> None:
    condition = "s.station_id = :station and s.energy_kwh > cast(:least as float8)"
    params = {"station": "CP-0001", "least": 10.0}
    found = pl.concat(features.session_batches(stored, condition, params))
    expected = sample_sessions().filter(
        pl.col("station_id") == "CP-0001", pl.col("energy_kwh") > 10
    )
    assert set(found["session_id"]) == set(expected["session_id"])


def test_a_session_of_a_user_who_came_meanwhile_waits_for_the_next_features(
    stored: sa.Engine,
) -> None:
    newcomer = sample_sessions()[:1].with_columns(
        session_id=pl.lit(str(uuid.uuid4())), source_session_id=pl.lit("new"), user_id=pl.lit("new")
    )
    with stored.begin() as connection:
        store(connection, newcomer)
    condition = features.OF_SUMMARISED_STATION_AND_USER
    batches = features.session_batches(stored, condition)
    ids = pl.concat(batches)["session_id"]
    assert set(ids) == set(sample_sessions()["session_id"])


def test_times_are_integers_of_the_instant_and_of_the_stations_clock(stored: sa.Engine) -> None:
    read = pl.concat(features.session_batches(stored)).select(
        "session_id", "started_us", "ended_us", "started_local_us"
    )
    recounted = read_frame(
        stored,
        """
        select session_id,
            cast(extract(epoch from started_at) * 1000000 as bigint) as started_us,
            cast(extract(epoch from ended_at) * 1000000 as bigint) as ended_us,
            cast(extract(epoch from started_local_at) * 1000000 as bigint) as started_local_us
        from ev_session
        """,
    )
    assert read.sort("session_id").equals(recounted.sort("session_id"))


def test_user_and_station_features_equal_a_recount_in_sql(stored: sa.Engine) -> None:
    difference = """
        select count(*) from {table} f full join (
            select scope, {key}, count(*) as n, min(started_at) as first, sum(energy_kwh) as kwh
            from ev_session where {key} is not null group by scope, {key}
        ) r using (scope, {key})
        where f.n_sessions is distinct from r.n or f.first_seen_at is distinct from r.first
            or abs(f.total_energy_kwh - r.kwh) > 1e-6
    """
    for table, key in (("ev_user_features", "user_id"), ("ev_station_features", "station_id")):
        assert _scalar(stored, difference.format(table=table, key=key)) == 0


def test_session_features_are_one_row_a_session_and_replace_what_was_there(
    stored: sa.Engine,
) -> None:
    n_first = features.replace_session_features(stored, _merged(stored))
    with stored.begin() as connection:
        connection.exec_driver_sql("delete from ev_session where station_id = 'CP-0001'")
    n_second = features.replace_session_features(stored, _merged(stored))
    assert n_first == len(sample_sessions())
    assert n_second == _scalar(stored, "select count(*) from ev_session")
    assert n_second == _scalar(stored, "select count(*) from ev_session_features")
    assert n_second < n_first
    assert len(features.read_training_sessions(stored)) == n_second


def test_the_new_table_of_session_features_is_the_old_one_to_everybody(
    stored: sa.Engine, migrated: PostgresServer
) -> None:
    describe = """
        select array[
            (select string_agg(indexrelid::regclass || pg_get_indexdef(indexrelid), ' ')
                from pg_index where indrelid = 'ev_session_features'::regclass),
            (select string_agg(conname || pg_get_constraintdef(oid), ' ' order by conname)
                from pg_constraint where conrelid = 'ev_session_features'::regclass),
            (select string_agg(attname || col_description(attrelid, attnum), ' ' order by attnum)
                from pg_attribute where attrelid = 'ev_session_features'::regclass),
            obj_description('ev_session_features'::regclass)
        ]
    """
    before = _scalar(stored, describe)
    features.replace_session_features(stored, _merged(stored))
    assert _scalar(stored, describe) == before
    address = migrated.address(READER.role, str(stored.url.database))
    with closing(psycopg2.connect(address)) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from ev_session_features")
        assert cursor.fetchone() == (len(sample_sessions()),)


def test_a_swap_that_fails_on_the_way_leaves_the_old_features(stored: sa.Engine) -> None:
    n_rows = features.replace_session_features(stored, _merged(stored))

    def broken() -> Iterator[pl.DataFrame]:
        yield next(_merged(stored))
        raise ConnectionError("the source is gone")

    with pytest.raises(ConnectionError):
        features.replace_session_features(stored, broken())
    assert _scalar(stored, "select count(*) from ev_session_features") == n_rows
    assert _scalar(stored, "select to_regclass('ev_session_features_new')") is None


def test_features_and_training_read_only_what_they_use(stored: sa.Engine) -> None:
    features.replace_session_features(stored, _merged(stored))
    training = features.read_training_sessions(stored)
    assert set(training.columns) == set(TRAINING_INPUTS)
    assert len(training) == len(sample_sessions())
    unused = {"session_id", "revision", "quality", "quality_codes"}
    assert not unused & set(features.read_sessions(stored).columns)
