"""What bringing a backup back into containers needs besides.

What lives here: what another container serves or mounts. What does not: the steps (`restore`).

The database's container keeps its own passwords, since its superuser's was set when it was made;
nobody outside the stack has them. The broker's files are on a volume of their own.
"""

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.handshake import lets_in
from ev_pipeline.settings import Settings
from ev_pipeline.stack.broker import STREAM, broker_reach
from ev_pipeline.stack.broker_credentials import stack_login
from ev_pipeline.stack.containers import forget_broker_session, prepare_database
from ev_pipeline.stack.credentials import LOGINS
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.private_files import copy_file


def prepare_containers(settings: Settings) -> None:
    """The database's container has roles and databases, and the broker's does not run.

    Raises:
        PipelineError: the broker runs, or the database does not let us in.
    """
    layout = Layout(settings.home)
    if lets_in(stack_login(layout, STREAM, broker_reach(settings))):
        raise PipelineError(
            "the broker is up, and would not know what is brought back",
            mend="stop all but the database: `docker compose stop`, then `up -d postgres`",
        )
    prepare_database(settings)


def keep_logins(layout: Layout, staging: Layout) -> None:
    """What is staged has the database's passwords of this home, not those of the backup."""
    for login in LOGINS:
        place = staging.credentials / login.file
        place.unlink(missing_ok=True)
        copy_file(layout.credentials / login.file, place)


def place_broker_store(staging: Layout, layout: Layout) -> None:
    """The broker's volume has what waited, and its session is looked at anew."""
    forget_broker_session(layout)
    if not staging.broker_store.exists():
        layout.broker_store.unlink(missing_ok=True)
        return
    unfinished = layout.broker_store.with_suffix(".restored")
    unfinished.unlink(missing_ok=True)
    copy_file(staging.broker_store, unfinished)
    unfinished.replace(layout.broker_store)
