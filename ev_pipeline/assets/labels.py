"""Group labels: what the champion says of every stored session.

What lives here: one asset that labels what has no label yet. What does not: how (`storage.labels`).
"""

from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Final

import dagster as dg

from ev_pipeline.assets.champion import champion_model
from ev_pipeline.assets.following import Following
from ev_pipeline.assets.metadata import MODELS_POOL, OWNERS, markdown_table, of_rows, of_table
from ev_pipeline.assets.records import ev_session
from ev_pipeline.resources import Database
from ev_pipeline.storage.labels import summarise_labels
from ev_pipeline.storage.promotion import label_for_champion
from ev_pipeline.storage.tables.models import ev_session_label

GROUP: Final = "labels"

NIGHTLY: Final = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(hours=26), fail_window=timedelta(hours=50)
)
"""Labels come with each night's training: two hours late is said, two nights without are a fault.
No other asset has a limit: records come when somebody brings them, and the rest is as labels are.
"""


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
