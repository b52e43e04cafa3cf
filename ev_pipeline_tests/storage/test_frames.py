from datetime import UTC, date, datetime

import polars as pl
import pytest
import sqlalchemy as sa

from ev_pipeline.storage.faults import DATABASE_ERRORS
from ev_pipeline.storage.frames import read_batches, read_frame

SESSION_ID = "0b6f3c1e-9a51-5c7e-8f10-1d2c3b4a5968"


def test_every_kind_of_column_arrives_as_its_plain_type(engine: sa.Engine) -> None:
    frame = read_frame(
        engine,
        """
        select cast(:id as uuid) as session_id, null::uuid as no_id,
            array['one', 'two'] as codes, '[{"code": "x"}]'::jsonb as reasons,
            timestamptz '2024-03-31 01:30:00.000001+02' as started_at,
            timestamp '2024-03-31 01:30' as started_local_at, date '2024-03-31' as day,
            1.25::numeric as cost, 2.5::float8 as energy_kwh, 7::bigint as n_sessions,
            true as is_anomaly, '\\x00ff'::bytea as raw
        """,
        {"id": SESSION_ID},
    )
    assert frame.row(0, named=True) == {
        "session_id": SESSION_ID,
        "no_id": None,
        "codes": ["one", "two"],
        "reasons": '[{"code": "x"}]',
        "started_at": datetime(2024, 3, 30, 23, 30, 0, 1, tzinfo=UTC),
        "started_local_at": datetime(2024, 3, 31, 1, 30),  # noqa: DTZ001 -- a local time has no zone
        "day": date(2024, 3, 31),
        "cost": 1.25,
        "energy_kwh": 2.5,
        "n_sessions": 7,
        "is_anomaly": True,
        "raw": b"\x00\xff",
    }
    assert frame.schema["started_at"] == pl.Datetime("us", "UTC")


def test_a_query_without_rows_keeps_its_columns(engine: sa.Engine) -> None:
    frame = read_frame(engine, "select session_id, started_at, quality_codes from ev_session")
    assert frame.height == 0
    assert frame.schema == {
        "session_id": pl.String(),
        "started_at": pl.Datetime("us", "UTC"),
        "quality_codes": pl.List(pl.String()),
    }


def test_a_parameter_may_be_null_a_list_or_named_twice(engine: sa.Engine) -> None:
    frame = read_frame(
        engine,
        """
        select n, cast(:nothing as text) as nothing from generate_series(1, 5) n
        where n = any(:wanted) and n < :limit and n < :limit + 1
        """,
        {"nothing": None, "wanted": [1, 3, 5], "limit": 4},
    )
    assert frame["n"].to_list() == [1, 3]
    assert frame["nothing"].to_list() == [None, None]


@pytest.mark.parametrize("expression", ["interval '1 h'", "pg_current_xact_id()"])
def test_a_type_without_a_place_in_a_frame_is_refused_by_name(
    engine: sa.Engine, expression: str
) -> None:
    with pytest.raises(TypeError, match="column odd"):
        read_frame(engine, f"select {expression} as odd")


MANY_ROWS = "select n, repeat('x', 1000) as text from generate_series(1, 100000) n"
"""100 MB: more than is read at a time."""


def test_batches_are_the_rows_in_order_and_at_least_one(engine: sa.Engine) -> None:
    batches = list(read_batches(engine, MANY_ROWS))
    assert len(batches) > 2
    assert pl.concat(batches)["n"].to_list() == list(range(1, 100_001))
    (nothing,) = read_batches(engine, "select 1 as n, now() as at where false")
    assert nothing.schema == {"n": pl.Int32(), "at": pl.Datetime("us", "UTC")}


def test_a_value_is_a_value_whatever_it_looks_like(engine: sa.Engine) -> None:
    for value in ("it's", "back\\slash", "100 %s", "'; drop table ev_session; --"):
        (frame,) = read_batches(engine, "select %(value)s::text as value", {"value": value})
        assert frame["value"].to_list() == [value]


def test_a_connection_that_is_lost_on_the_way_is_an_error_of_the_database(
    engine: sa.Engine,
) -> None:
    batches = read_batches(engine, MANY_ROWS)
    next(batches)
    with engine.begin() as connection:
        ended = connection.exec_driver_sql(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where query like '%%repeat(%%' and pid <> pg_backend_pid()"
        ).scalar_one()
    assert ended == 1
    with pytest.raises(DATABASE_ERRORS):
        list(batches)
