"""A round: several panels of one moment.

What lives here: which builder makes which panel, and the round. What does not: when one is due, the
builders (`live_panels`, `state_panels`, `lineage_panels`), and publishing (`publishing`).
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import Any, Final

import sqlalchemy as sa

from ev_pipeline.panels import lineage_panels, live_panels, state_panels
from ev_pipeline.panels.drift_state import DriftState
from ev_pipeline.panels.envelope import Content, envelope
from ev_pipeline.panels.state_panels import StreamState
from ev_pipeline.settings import Settings
from ev_pipeline.storage.panel_snapshot import Snapshot, open_snapshot

Builder = Callable[[Snapshot], Content]

_BUILDERS: Final[Mapping[str, Builder]] = {
    "summary": live_panels.build_summary,
    "trend_daily": live_panels.build_trend_daily,
    "trend_weekly": live_panels.build_trend_weekly,
    "time_of_day": live_panels.build_time_of_day,
    "cost": live_panels.build_cost,
    "quality": state_panels.build_quality,
    "live": live_panels.build_live,
    "users": lineage_panels.build_users,
    "stations": lineage_panels.build_stations,
    "anomalies": lineage_panels.build_anomalies,
    "models": state_panels.build_models,
}


def build_round(
    engine: sa.Engine,
    settings: Settings,
    names: Iterable[str],
    *,
    generated_at: datetime,
    stream: StreamState | None = None,
    drift: DriftState | None = None,
    rest: Callable[[float], object] = lambda _taken_s: None,
) -> dict[str, dict[str, Any]]:
    """The panels of these names, all of the same moment.

    Args:
        engine: the database.
        settings: the reporting zone and currency.
        names: panels, as `messaging.topics` lists them.
        generated_at: the time that the panels carry, with a zone.
        stream: what the worker says of itself; null where it is offline.
        drift: what the last drift report found; null where there is none.
        rest: hears between two panels how many seconds the first took, and may let others have the
            machine.

    Raises:
        PipelineError: days are formed in another zone than the reporting zone.
    """
    builders: dict[str, Builder] = {
        **_BUILDERS,
        "pipeline": partial(state_panels.build_pipeline, stream=stream),
        "clusters": partial(lineage_panels.build_clusters, drift=drift),
    }
    panels: dict[str, dict[str, Any]] = {}
    taken_s = 0.0
    with open_snapshot(engine, settings) as snapshot:
        for name in names:
            if panels:
                rest(taken_s)
            began_at = perf_counter()
            panels[name] = envelope(name, builders[name](snapshot), snapshot, generated_at)
            taken_s = perf_counter() - began_at
    return panels
