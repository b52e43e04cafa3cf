"""Group labels: what the champion says of every stored session.

What lives here: what has no label yet gets one, and what clusters are like. What does not: how
(`storage.labels`, `domain.models.profiles`).
"""

from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Final

import dagster as dg

from ev_pipeline.assets.champion import champion_model
from ev_pipeline.assets.following import Following
from ev_pipeline.assets.metadata import MODELS_POOL, OWNERS, markdown_table, of_rows, of_table
from ev_pipeline.assets.plots import plot_profiles
from ev_pipeline.assets.records import ev_session
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.models.profiles import profile_clusters
from ev_pipeline.resources import Database
from ev_pipeline.storage.labels import summarise_labels
from ev_pipeline.storage.profiles import read_labelled_sessions, replace_profiles
from ev_pipeline.storage.promotion import label_for_champion
from ev_pipeline.storage.registry import read_champion
from ev_pipeline.storage.tables.models import ev_cluster_profile, ev_session_label

GROUP: Final = "labels"

NIGHTLY: Final = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(hours=26), fail_window=timedelta(hours=50)
)
"""Labels come with each night's training: two hours late is said, two nights without are a fault.
No other asset has a limit: records come when somebody brings them, and the rest is as labels are.
"""

_SHARES: Final = ("hour_shares", "weekday_shares", "station_shares")
"""Lists that a picture shows, and no table."""


@dg.asset(
    deps=[ev_session, champion_model],
    group_name=GROUP,
    kinds={"polars", "postgres"},
    owners=OWNERS,
    pool=MODELS_POOL,
    code_version="1",
    freshness_policy=NIGHTLY,
    metadata=of_table(ev_session_label),
)
def session_labels(
    context: dg.AssetExecutionContext, config: Following, database: Database
) -> dg.MaterializeResult[None]:
    """The champion's label of every stored session: cluster, density, anomaly and its reasons."""
    since = perf_counter()
    with database.engine_for_models(context.run) as engine:
        done = label_for_champion(engine, labelled_at=datetime.now(UTC))
        # Which takes the longer the more sessions are stored.
        clusters = None if config.only_new else summarise_labels(engine, done.version)
    if clusters is None:
        return dg.MaterializeResult(
            metadata={
                "labels_written": done.n_labels,
                "model_version": done.version,
                "seconds": round(perf_counter() - since, 3),
            }
        )
    return dg.MaterializeResult(
        metadata=of_rows(
            int(clusters["n_sessions"].sum()),
            since=since,
            labels_written=done.n_labels,
            model_version=done.version,
            anomalies=int(clusters["n_anomalies"].sum()),
            clusters=markdown_table(clusters.rows(named=True)),
        )
    )


@dg.asset(
    deps=[session_labels],
    group_name=GROUP,
    kinds={"polars", "postgres"},
    owners=OWNERS,
    pool=MODELS_POOL,
    code_version="1",
    metadata=of_table(ev_cluster_profile),
)
def cluster_profiles(database: Database) -> dg.MaterializeResult[None]:
    """What each of the champion's clusters is like: hours, stays, energy, power, days, stations."""
    since = perf_counter()
    with database.engine() as engine:
        with engine.connect() as connection:
            champion = read_champion(connection)
        if champion is None:
            raise PipelineError("there is no champion", mend="train one: `ev-pipeline run retrain`")
        names = {int(number): name for number, name in champion.cluster_names.items()}
        profiles = profile_clusters(read_labelled_sessions(engine, champion.version), names)
        replace_profiles(engine, champion.version, profiles)
    return dg.MaterializeResult(
        metadata=of_rows(
            len(profiles),
            since=since,
            model_version=champion.version,
            verdict=champion.verdict or "not given",
            profiles=markdown_table(profiles.drop(_SHARES).rows(named=True)),
            plot=plot_profiles(profiles),
        )
    )
