"""Group dashboard: what an operator sees, published when a run has made it.

What lives here: the publishing op, and its place in the lineage. What does not: the panels
(`panels`).
"""

from datetime import UTC, datetime
from typing import Any, Final

import dagster as dg

from ev_pipeline.assets.drift import read_last_report
from ev_pipeline.assets.metadata import OWNERS, markdown_table
from ev_pipeline.messaging.login import Login
from ev_pipeline.panels.publishing import publish_round
from ev_pipeline.resources import Database
from ev_pipeline.settings import Settings

GROUP: Final = "dashboard"


@dg.op(ins={"after": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing), tags={"kind": "mqtt"})
def publish_panels(
    context: dg.OpExecutionContext, database: Database, settings: dg.ResourceParam[Settings]
) -> None:
    """The broker keeps the panels of users, stations, clusters, anomalies and models."""
    with database.engine() as engine:
        login = Login.from_settings(settings)
        published = publish_round(
            engine,
            settings,
            login,
            generated_at=datetime.now(UTC),
            drift=read_last_report(context.instance),
        )
    rows = [{"panel": name, "bytes": size} for name, size in published.n_bytes.items()]
    context.add_output_metadata(
        {
            "panels": markdown_table(rows),
            "worker_online": published.is_worker_online,
            "broker": login.address,
        }
    )


@dg.graph_asset(
    ins={
        "session_labels": dg.AssetIn(dagster_type=dg.Nothing),
        "cluster_profiles": dg.AssetIn(dagster_type=dg.Nothing),
        "drift_report": dg.AssetIn(dagster_type=dg.Nothing),
    },
    group_name=GROUP,
    kinds={"mqtt", "postgres"},
    code_version="1",
    owners=OWNERS,
)
def dashboard(session_labels: None, cluster_profiles: None, drift_report: None) -> Any:
    """The dashboard's panels at the broker: users, stations, clusters, anomalies, models."""
    return publish_panels(after=[session_labels, cluster_profiles, drift_report])
