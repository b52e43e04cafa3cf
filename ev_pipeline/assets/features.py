"""Group features: what sessions, users and stations look like.

What lives here: three assets, each read, one domain function, write; users and stations all of
them, or those that new sessions touch.
What does not: the features' definitions (`domain.features`).
"""

from collections.abc import Iterator
from time import perf_counter
from typing import Final

import dagster as dg
import polars as pl
import sqlalchemy as sa

from ev_pipeline.assets.following import Following
from ev_pipeline.assets.metadata import MODELS_POOL, OWNERS, of_rows, of_table
from ev_pipeline.assets.records import ev_session
from ev_pipeline.domain.features import merge_session_features
from ev_pipeline.resources import Database
from ev_pipeline.storage import features
from ev_pipeline.storage.habits import STATIONS, USERS, Habits, make_all, make_touched
from ev_pipeline.storage.tables import features as tables

GROUP: Final = "features"
_KINDS: Final = {"polars", "postgres"}


@dg.asset(
    deps=[ev_session],
    group_name=GROUP,
    kinds=_KINDS,
    owners=OWNERS,
    pool=MODELS_POOL,
    code_version="1",
    metadata=of_table(tables.ev_user_features),
)
def user_features(
    context: dg.AssetExecutionContext, config: Following, database: Database
) -> dg.MaterializeResult[None]:
    """What each user's sessions have in common: how often, how much, where, at what time of day."""
    return _made(context, config, database, USERS)


@dg.asset(
    deps=[ev_session],
    group_name=GROUP,
    kinds=_KINDS,
    owners=OWNERS,
    pool=MODELS_POOL,
    code_version="1",
    metadata=of_table(tables.ev_station_features),
)
def station_features(
    context: dg.AssetExecutionContext, config: Following, database: Database
) -> dg.MaterializeResult[None]:
    """What each station's sessions have in common: how many, how long, how much energy a day."""
    return _made(context, config, database, STATIONS)


@dg.asset(
    deps=[ev_session, user_features, station_features],
    group_name=GROUP,
    kinds=_KINDS,
    owners=OWNERS,
    pool=MODELS_POOL,
    code_version="1",
    metadata=of_table(tables.ev_session_features),
)
def session_features(
    context: dg.AssetExecutionContext, database: Database
) -> dg.MaterializeResult[None]:
    """Each session's own features beside its user's and its station's: what models train on."""
    since = perf_counter()
    with database.engine_for_models(context.run) as engine:
        n_rows = features.replace_session_features(engine, _merged_batches(engine))
        preview = features.preview_session_features(engine)
    return dg.MaterializeResult(metadata=of_rows(n_rows, since=since, preview=preview))


def _made(
    context: dg.AssetExecutionContext, config: Following, database: Database, habits: Habits
) -> dg.MaterializeResult[None]:
    since = perf_counter()
    with database.engine_for_models(context.run) as engine:
        make = make_touched if config.only_new else make_all
        rows = make(engine, habits)
        with engine.connect() as connection:
            count = sa.select(sa.func.count()).select_from(habits.table)
            n_rows = connection.execute(count).scalar_one()
    return dg.MaterializeResult(
        metadata=of_rows(n_rows, since=since, preview=rows, rows_made=len(rows))
    )


def _merged_batches(engine: sa.Engine) -> Iterator[pl.DataFrame]:
    """The merged features of all sessions whose station and user have features.

    A session stored after the features of its new station or user were made waits for the next run.
    """
    users = features.read_user_features(engine).lazy()
    stations = features.read_station_features(engine).lazy()
    for sessions in features.session_batches(engine, features.OF_SUMMARISED_STATION_AND_USER):
        yield merge_session_features(sessions.lazy(), users, stations).collect()
