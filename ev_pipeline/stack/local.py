"""The local stack as a whole: everything that `up` does, in its order.

What lives here: the order. What does not: any of the steps, or what commands print.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.durable import establish
from ev_pipeline.settings import ENV_PREFIX, REMEMBERED, Settings, stack_file
from ev_pipeline.stack import dagster_home
from ev_pipeline.stack.account import require_reachable, server_account
from ev_pipeline.stack.broker import NAME, STREAM, prepare_broker
from ev_pipeline.stack.broker_credentials import stack_client_id
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.nodered import Dashboard, prepare_dashboard
from ev_pipeline.stack.ports import require_free, stack_ports
from ev_pipeline.stack.postgres import prepare
from ev_pipeline.stack.restore import forget_unfinished, require_restored
from ev_pipeline.stack.services import stack_services
from ev_pipeline.stack.state import become_only_supervisor
from ev_pipeline.stack.supervisor import Supervisor


def supervise(
    settings: Settings,
    *,
    report: Callable[[str], None],
    migrate: Callable[[], None],
    when_healthy: Callable[[], None],
) -> None:
    """The stack of this home ran until a signal asked to stop, and has stopped; once a process.

    Args:
        settings: home and ports.
        report: gets one line for people whenever something happens.
        migrate: brings the schema up to date; called when PostgreSQL works, before Dagster starts.
        when_healthy: called once, when every service works.

    Raises:
        PipelineError: if something outside is in the way; nothing was broken by trying.
    """
    layout = Layout(settings.home)
    require_reachable(layout.home, server_account())
    layout.make()
    lock = become_only_supervisor(layout)
    require_restored(layout)
    forget_unfinished(layout)
    require_free(stack_ports(settings))
    broker = prepare_broker(settings, datetime.now(tz=UTC))
    cluster = prepare(settings)
    _remember(settings)
    dagster_home.place_instance(layout)
    dashboard = prepare_dashboard_if_wanted(settings, report)
    with dagster_home.code_socket(layout) as code_socket:
        dagster_home.place_workspace(layout, code_socket)
        Supervisor(
            stack_services(settings, cluster, broker, dashboard, code_socket),
            layout,
            lock=lock,
            report=report,
            once_ready={
                "postgres": migrate,
                NAME: lambda: establish(broker.login, stack_client_id(layout, STREAM)),
            },
        ).run(when_healthy)


def prepare_dashboard_if_wanted(
    settings: Settings, report: Callable[[str], None]
) -> Dashboard | None:
    """The dashboard, where it is wanted and can run: nothing that is stored depends on it."""
    if not settings.dashboard:
        return None
    try:
        return prepare_dashboard(settings)
    except PipelineError as error:
        report(f"without the dashboard: {error}")
        return None


def _remember(settings: Settings) -> None:
    """Later commands on this home know what its stack was started with."""
    lines = [f"{ENV_PREFIX}{name.upper()}={getattr(settings, name)}\n" for name in REMEMBERED]
    stack_file(settings.home).write_text("".join(lines))
