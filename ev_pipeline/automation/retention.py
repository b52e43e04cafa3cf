"""The job that erases what has been kept long enough.

What lives here: the job and its one op. What does not: what goes when (`intake.retention`), and
when the job runs (`schedules`).
"""

from datetime import UTC, datetime
from typing import Final

import dagster as dg

from ev_pipeline.assets.metadata import MODELS_POOL
from ev_pipeline.intake.retention import apply_retention
from ev_pipeline.resources import Database
from ev_pipeline.settings import Settings

_BY: Final = "schedule"


@dg.op(pool=MODELS_POOL)
def erase_what_is_old(
    context: dg.OpExecutionContext, database: Database, settings: dg.ResourceParam[Settings]
) -> None:
    """Raw bytes, quarantine entries and users' ids that the settings keep no longer are gone."""
    with database.engine() as engine:
        counts = apply_retention(engine, settings, datetime.now(UTC), by=_BY)
    context.add_output_metadata({name: n for name, n in counts.items() if n})
    context.log.info("erased: %s", ", ".join(f"{n} {name}" for name, n in counts.items()) or "-")


@dg.job(description="Erase what the EV_KEEP_..._DAYS settings do not keep longer.")
def retention() -> None:
    """What was kept long enough goes."""
    erase_what_is_old()
