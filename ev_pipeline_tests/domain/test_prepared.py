"""A prepared query gives what the query gives."""

from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest

from ev_pipeline.domain.prepared import PreparedQuery


def doubled(frame: pl.LazyFrame) -> pl.LazyFrame:
    return frame.select(pl.col("number") * 2)


def test_each_frame_has_its_own_answer_whatever_its_schema() -> None:
    query = PreparedQuery(doubled)
    for numbers in ([1, 2], [3], [], [0.5]):
        kind = pl.Float64 if 0.5 in numbers else pl.Int64
        frame = pl.DataFrame({"number": numbers}, schema={"number": kind})
        assert query.run(frame).equals(doubled(frame.lazy()).collect())


def test_a_query_that_fails_on_one_frame_answers_the_next() -> None:
    query = PreparedQuery(lambda frame: frame.select(pl.col("text").cast(pl.Int64)))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        query.run(pl.DataFrame({"text": ["x"]}))
    assert query.run(pl.DataFrame({"text": ["7"]})).rows() == [(7,)]


def test_threads_get_each_their_own_answer() -> None:
    query = PreparedQuery(doubled)
    frames = [pl.DataFrame({"number": [number] * 10}) for number in range(200)]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(query.run, frames))
    assert [answer["number"].to_list() for answer in answers] == [
        [2 * number] * 10 for number in range(200)
    ]
