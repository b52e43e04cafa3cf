"""What runs together, by name.

What lives here: the jobs. What does not: when they run (`schedules`).
"""

from typing import Final

import dagster as dg

from ev_pipeline.assets.records import ev_session

EXCLUSIVE: Final = {"ev/exclusive": "models"}
"""Runs with this tag wait for each other: two of them would train and promote at once."""

bootstrap: Final = dg.define_asset_job(
    "bootstrap",
    selection=dg.AssetSelection.all(),
    description="Load what EV_BOOTSTRAP names; then features, models, champion and labels.",
    tags=EXCLUSIVE,
)

retrain: Final = dg.define_asset_job(
    "retrain",
    selection=dg.AssetSelection.groups("features", "models", "labels")
    | dg.AssetSelection.checks_for_assets(ev_session),
    description="Features, models, champion and labels of what is stored, with all checks.",
    tags=EXCLUSIVE,
)
