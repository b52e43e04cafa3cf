"""What runs together, by name.

What lives here: the jobs. What does not: when they run (`schedules`), what keeps two of them apart
(the pool of their assets, `assets.metadata`).
"""

from typing import Final

import dagster as dg

from ev_pipeline.assets.dashboard import GROUP as DASHBOARD
from ev_pipeline.assets.drift import drift_report
from ev_pipeline.assets.features import station_features, user_features
from ev_pipeline.assets.labels import session_labels
from ev_pipeline.assets.records import ev_session

_FOLLOWING: Final = (user_features, station_features, session_labels)
"""Assets that can follow the change log."""

_ONLY_NEW: Final = {"config": {"only_new": True}}

_OVER_ALL: Final = tuple(
    dg.AssetCheckKey(session_labels.key, name)
    for name in ("every_session_labelled", "no_cluster_over_95_percent")
)
"""Checks that look at all sessions, which takes the longer the more are stored."""

bootstrap: Final = dg.define_asset_job(
    "bootstrap",
    selection=dg.AssetSelection.all(),
    description="Load what EV_BOOTSTRAP names; then features, models, champion, labels, panels.",
)

retrain: Final = dg.define_asset_job(
    "retrain",
    selection=dg.AssetSelection.groups("features", "models", "labels", DASHBOARD)
    | dg.AssetSelection.checks_for_assets(ev_session),
    description="Features, models, champion, labels and panels of what is stored, with all checks.",
)

label_new_sessions: Final = dg.define_asset_job(
    "label_new_sessions",
    selection=(
        dg.AssetSelection.assets(*_FOLLOWING, drift_report) | dg.AssetSelection.groups(DASHBOARD)
    )
    - dg.AssetSelection.checks(*_OVER_ALL),
    config={"ops": {asset.key.to_user_string(): _ONLY_NEW for asset in _FOLLOWING}},
    description="Features, labels, drift and panels of what has arrived since the last time.",
)

publish_dashboard: Final = dg.define_asset_job(
    "publish_dashboard",
    selection=dg.AssetSelection.groups(DASHBOARD),
    description="The dashboard's panels, built anew and kept by the broker.",
)
