"""What a command stored, told to the running Dagster, so that its lineage shows it too.

What lives here: one event after a change of records. What does not: the change itself.
"""

from typing import TYPE_CHECKING, Final

from rich.markup import escape

from ev_pipeline.cli.dagster_client import DagsterClient
from ev_pipeline.cli.output import messages
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.state import read_state

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ev_pipeline.settings import Settings

TIMEOUT_S: Final = 2.0
"""s; what was stored is stored, and nobody waits longer for a line in its lineage."""

_ASSETS: Final = {"session": "ev_session", "station": "ev_station", "site": "ev_station"}
"""The asset that each kind of records belongs to."""

_WEBSERVER: Final = "dagster-webserver"


def tell_dagster(settings: "Settings", engine: "sa.Engine", records: str, what: str) -> None:
    """Dagster shows that records were changed, if the stack of this home is up; else nothing.

    Args:
        settings: the home, and Dagster's port.
        engine: where the records were changed: another database is no concern of the stack's.
        records: session, station or site.
        what: what happened, for people.
    """
    webserver = read_state(Layout(settings.home)).services.get(_WEBSERVER)
    is_up = webserver is not None and webserver.state == "running"
    if not is_up or engine.url.port != settings.postgres_port:
        return
    client = DagsterClient(settings.dagster_host, settings.dagster_port, timeout_s=TIMEOUT_S)
    try:
        client.report_materialization(_ASSETS[records], what)
    except PipelineError as error:
        messages.print(f"Dagster was not told of it: {escape(str(error))}", soft_wrap=True)
