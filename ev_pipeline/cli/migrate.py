"""`migrate`: the schema and the rollups' zone brought up to date.

What lives here: the command. What does not: migrations and rollups (`storage`).
"""

import typer

from ev_pipeline.cli.output import messages


def register(app: typer.Typer) -> None:
    """Add the command to the root command."""
    app.command("migrate")(migrate)


def migrate() -> None:
    """Bring the database to this version's schema, and its days to the reporting zone.

    Example: ev-pipeline migrate
    """
    from ev_pipeline.settings import load_settings  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.storage import engine as storage_engine  # noqa: PLC0415
    from ev_pipeline.storage.rollups import rebuild_for_zone  # noqa: PLC0415

    settings = load_settings()
    engine = storage_engine.connect(settings)
    try:
        storage_engine.migrate(engine)
        messages.print("the schema is up to date")
        if rebuild_for_zone(engine, settings):
            messages.print(f"the stations' days are formed anew, in {settings.timezone}")
    finally:
        engine.dispose()
