"""What runs together, by name.

What lives here: the jobs. What does not: when they run (`schedules`), what keeps two of them apart
(the pool of their assets, `assets.metadata`).
"""

from typing import Final

import dagster as dg

from ev_pipeline.assets.dashboard import GROUP as DASHBOARD
from ev_pipeline.assets.records import ev_session

bootstrap: Final = dg.define_asset_job(
    "bootstrap",
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups(DASHBOARD),
    description="Load what EV_BOOTSTRAP names; then features, models, champion and labels.",
)

retrain: Final = dg.define_asset_job(
    "retrain",
    selection=dg.AssetSelection.groups("features", "models", "labels")
    | dg.AssetSelection.checks_for_assets(ev_session),
    description="Features, models, champion and labels of what is stored, with all checks.",
)

publish_dashboard: Final = dg.define_asset_job(
    "publish_dashboard",
    selection=dg.AssetSelection.groups(DASHBOARD),
    description="The dashboard's panels, built anew and kept by the broker.",
)
