"""`migrate`: the schema and the rollups' zone brought up to date.

What lives here: the command. What does not: migrations and rollups (`storage`).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ev_pipeline.cli.output import messages, print_json
from ev_pipeline.cli.person import who

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ev_pipeline.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command to the root command."""
    app.command("migrate")(migrate)


def migrate(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False
) -> None:
    """Bring the database to this version's schema, its days to the reporting zone.

    With EV_HASH_USER_IDS it hashes users' ids that are stored as they came.

    Example: ev-pipeline migrate
    """
    from ev_pipeline.settings import load_settings  # noqa: PLC0415 -- --help stays fast

    done = bring_up_to_date(load_settings(), tell=messages.print)
    if as_json:
        print_json(asdict(done))


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was brought up to date.

    Args:
        schema: the schema's version now.
        timezone: the reporting zone, in which the stations' days are formed now.
        is_zone_changed: whether they had been formed in another.
        n_clocks_corrected: sessions at stations without a zone that had followed another.
        n_users_hashed: users whose ids were stored as they came, and are keyed hashes by now.
    """

    schema: str
    timezone: str
    is_zone_changed: bool
    n_clocks_corrected: int
    n_users_hashed: int


def bring_up_to_date(settings: "Settings", *, tell: Callable[[str], None]) -> Migrated:
    """The schema is this version's, and what is stored follows the settings.

    Stations' days are those of the reporting zone, and users' ids are hashed where that is wanted.

    Args:
        settings: the database and the reporting zone.
        tell: gets a line for people about each.
    """
    from ev_pipeline.storage import engine as storage_engine  # noqa: PLC0415 -- --help stays fast
    from ev_pipeline.storage.rollups import rebuild_for_zone  # noqa: PLC0415
    from ev_pipeline.storage.stations import follow_reporting_zone  # noqa: PLC0415

    engine = storage_engine.connect(settings)
    try:
        storage_engine.migrate(engine)
        schema = storage_engine.schema_version(engine)
        tell("the schema is up to date")
        n_clocks_corrected = follow_reporting_zone(engine, settings)
        if n_clocks_corrected:
            who = f"{n_clocks_corrected:,} sessions at stations without a zone"
            tell(f"{who} follow {settings.timezone}")
        n_users_hashed = _hash_users(engine, settings) if settings.hash_user_ids else 0
        if n_users_hashed:
            tell(f"the ids of {n_users_hashed:,} users are keyed hashes")
        is_zone_changed = rebuild_for_zone(engine, settings)
        if is_zone_changed:
            tell(f"the stations' days are formed anew, in {settings.timezone}")
    finally:
        engine.dispose()
    return Migrated(schema, settings.timezone, is_zone_changed, n_clocks_corrected, n_users_hashed)


def _hash_users(engine: "sa.Engine", settings: "Settings") -> int:
    from ev_pipeline.intake.hashing import follow_hashing  # noqa: PLC0415 -- brings the models

    return follow_hashing(engine, settings, by=who())
