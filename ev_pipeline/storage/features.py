"""Sessions read for features, and the tables of features written.

What lives here: the frames that `domain.features` and `domain.models` start from, and the way its
results replace a table while others read it.
What does not: any feature's definition.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.models.training import TRAINING_INPUTS
from ev_pipeline.storage.bulk import copy_frame
from ev_pipeline.storage.frames import read_frame
from ev_pipeline.storage.tables.features import ev_session_features

BATCH_ROWS: Final = 200_000
"""Sessions in memory at once, with everything made of them: about 150 MB."""

OF_SUMMARISED_STATION_AND_USER: Final = """
    exists (
        select from ev_station_features f
        where f.scope = s.scope and f.station_id = s.station_id
    ) and (s.user_id is null or exists (
        select from ev_user_features f
        where f.scope = s.scope and f.user_id = s.user_id
    ))
"""
"""Condition for `session_batches`: the session's station and its user, if any, have features."""

LOCK_TIMEOUT_S: Final = 30
"""s; a reader that holds the old table longer makes the swap fail, to be tried again, rather than
make every later reader wait behind it."""

_FIRST_ID: Final = "00000000-0000-0000-0000-000000000000"

_SUMMED_UP: Final = """
    s.scope, s.station_id, s.user_id, s.started_at, s.ended_at, s.started_local_at, s.energy_kwh,
    s.charging_duration_h
"""
"""Ids and lists take longer to read than all of these."""

_SESSION_COLUMNS: Final = f"s.session_id, s.revision, s.quality, s.quality_codes, {_SUMMED_UP}"
_MICROSECONDS: Final = {
    "started_us": "started_at",
    "ended_us": "ended_at",
    "started_local_us": "started_local_at",
}
_NEW: Final = "ev_session_features_new"


def read_sessions(
    engine: sa.Engine, condition: str = "true", params: dict[str, Any] | None = None
) -> pl.DataFrame:
    """The stored sessions that meet `condition`, as far as users and stations are summed up by it.

    Args:
        engine: the database.
        condition: SQL about `s`, a row of `ev_session`, with parameters written as `:name`.
        params: their values.
    """
    statement = f"select {_SUMMED_UP} from ev_session s where {condition}"  # noqa: S608 - our own SQL
    return _with_integer_times(read_frame(engine, statement, params))


def session_batches(
    engine: sa.Engine,
    condition: str = "true",
    params: dict[str, Any] | None = None,
    *,
    batch_rows: int = BATCH_ROWS,
) -> Iterator[pl.DataFrame]:
    """The stored sessions that meet `condition`, a bounded number at a time, ordered by id.

    Args:
        engine: the database.
        condition: SQL about `s`, a row of `ev_session`, with parameters written as `:name`.
        params: their values.
        batch_rows: sessions at a time.

    Yields:
        Frames as `domain.features` wants them. Each is read when it is asked for: what is stored or
        corrected meanwhile may be in one or not.
    """
    statement = f"""
        select {_SESSION_COLUMNS} from ev_session s
        where s.session_id > cast(:after as uuid) and ({condition})
        order by s.session_id limit cast(:batch_rows as bigint)
    """  # noqa: S608 - conditions are written in this package, values are bound
    after = _FIRST_ID
    while True:
        bound = {**(params or {}), "after": after, "batch_rows": batch_rows}
        batch = read_frame(engine, statement, bound)
        if not batch.is_empty():
            yield _with_integer_times(batch)
        if len(batch) < batch_rows:
            return
        after = batch.item(-1, "session_id")


def read_user_features(engine: sa.Engine) -> pl.DataFrame:
    """Every row of `ev_user_features`."""
    return read_frame(engine, "select * from ev_user_features")


def read_station_features(engine: sa.Engine) -> pl.DataFrame:
    """Every row of `ev_station_features`."""
    return read_frame(engine, "select * from ev_station_features")


def read_training_sessions(engine: sa.Engine) -> pl.DataFrame:
    """The training snapshot: what a training reads of the sessions without a warning."""
    columns = ", ".join(TRAINING_INPUTS)
    return read_frame(engine, f"select {columns} from ev_session_features where quality = 'valid'")  # noqa: S608 - our own columns


def count_warned_sessions(engine: sa.Engine) -> int:
    """How many sessions of the training snapshot no model is trained on, because of a warning."""
    statement = "select count(*) from ev_session_features where quality <> 'valid'"
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(statement).scalar_one())


def preview_session_features(engine: sa.Engine) -> pl.DataFrame:
    """A few rows of `ev_session_features`, to look at."""
    return read_frame(engine, "select * from ev_session_features order by session_id limit 5")


def replace_session_features(engine: sa.Engine, batches: Iterable[pl.DataFrame]) -> int:
    """Make `ev_session_features` hold the batches' rows and nothing else.

    The rows go into a new table, which then takes the old one's name: readers wait only for that.

    Args:
        engine: the database.
        batches: frames with the columns of `ev_session_features`, `started_us` for its time.

    Returns:
        The number of rows written.
    """
    table = ev_session_features.name
    n_rows = 0
    with engine.begin() as connection:
        connection.exec_driver_sql(f"create table {_NEW} (like {table} including all)")
        for batch in batches:
            copy_frame(connection, _NEW, with_timestamps(batch, ev_session_features))
            n_rows += len(batch)
        connection.exec_driver_sql(f"analyze {_NEW}")
        _copy_comment_and_grants(connection, table, _NEW)
        connection.exec_driver_sql(f"set local lock_timeout = '{LOCK_TIMEOUT_S}s'")
        index_names = _index_names(connection, table)
        new_index_names = _index_names(connection, _NEW)
        connection.exec_driver_sql(f"drop table {table}")
        connection.exec_driver_sql(f"alter table {_NEW} rename to {table}")
        for definition, name in new_index_names.items():
            connection.exec_driver_sql(f"alter index {name} rename to {index_names[definition]}")
    return n_rows


def _copy_comment_and_grants(connection: sa.Connection, old: str, new: str) -> None:
    """Let who could read the old table read the new one; `like` copies neither of the two."""
    statements = connection.scalars(
        sa.text("""
            select format('comment on table %I is %L', cast(:new as text),
                obj_description(cast(:old as regclass), 'pg_class'))
            union all
            select format('grant %s on %I to %I', a.privilege_type, cast(:new as text), r.rolname)
            from pg_class c, aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
            where c.oid = cast(:old as regclass) and a.grantee <> c.relowner
        """),
        {"old": old, "new": new},
    )
    for statement in statements.all():
        connection.exec_driver_sql(statement)


def _index_names(connection: sa.Connection, table: str) -> dict[str, str]:
    """Names of the table's indexes, by what they index."""
    rows = connection.execute(
        sa.text(
            "select regexp_replace(pg_get_indexdef(indexrelid), '^.* USING ', ''),"
            " indexrelid::regclass::text from pg_index where indrelid = cast(:table as regclass)"
        ),
        {"table": table},
    )
    return {row[0]: row[1] for row in rows}


def _with_integer_times(sessions: pl.DataFrame) -> pl.DataFrame:
    return sessions.with_columns(
        pl.col(time).dt.epoch("us").alias(name) for name, time in _MICROSECONDS.items()
    ).drop(_MICROSECONDS.values())


def with_timestamps(frame: pl.DataFrame, table: sa.Table) -> pl.DataFrame:
    """The table's columns, its times made of the frame's microseconds.

    Args:
        frame: times named `..._us`.
        table: times named `..._at`.
    """
    times = [name for name in frame.columns if name.endswith("_us")]
    stamped = frame.with_columns(
        pl.from_epoch(name, time_unit="us").dt.replace_time_zone("UTC").alias(f"{name[:-3]}_at")
        for name in times
    )
    return stamped.select(column.name for column in table.columns)
