"""`migrate`: the schema and the rollups' zone brought up to date.

What lives here: the command. What does not: migrations and rollups (`storage`).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from ev_pipeline.cli.output import messages

if TYPE_CHECKING:
    from ev_pipeline.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command to the root command."""
    app.command("migrate")(migrate)


def migrate() -> None:
    """Bring the database to this version's schema, and its days to the reporting zone.

    Example: ev-pipeline migrate
    """
    from ev_pipeline.settings import load_settings  # noqa: PLC0415 -- --help stays fast

    bring_up_to_date(load_settings(), tell=messages.print)


def bring_up_to_date(settings: "Settings", *, tell: Callable[[str], None]) -> None:
    """The schema is this version's, and the stations' days are those of the reporting zone.

    Args:
        settings: the database and the reporting zone.
        tell: gets a line for people about each of the two.
    """
    from ev_pipeline.storage import engine as storage_engine  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.storage.rollups import rebuild_for_zone  # noqa: PLC0415

    engine = storage_engine.connect(settings)
    try:
        storage_engine.migrate(engine)
        tell("the schema is up to date")
        if rebuild_for_zone(engine, settings):
            tell(f"the stations' days are formed anew, in {settings.timezone}")
    finally:
        engine.dispose()
