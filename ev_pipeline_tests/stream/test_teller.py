"""What is to be told is told, also where database or broker fail in between, and at the end."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa

from ev_pipeline.messaging import topics
from ev_pipeline.panels.state_panels import StreamState
from ev_pipeline.settings import Settings
from ev_pipeline.stream.teller import Teller
from ev_pipeline_tests.messaging.listening import WITHIN_S, Listener
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.streams import dashboard, streaming_settings
from ev_pipeline_tests.stream.tcp_proxy import proxied

_WAITING = "from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"

LIVE, OTHER = topics.panel(topics.LIVE_PANEL), topics.panel("summary")


def teller(engine: sa.Engine, settings: Settings) -> Teller:
    return Teller(engine, settings, lambda: StreamState(0, 0, None, None))


def take_since(screen: Listener, moment: datetime) -> None:
    """A panel is there that was made after the moment, whatever the broker had retained."""
    while datetime.fromisoformat(json.loads(screen.take().payload)["generated_at"]) < moment:
        pass


def lose_connections(engine: sa.Engine, n_waiting: int, begin: Callable[[], None]) -> datetime:
    """What is begun loses its connections while it reads sessions; returns since when it may."""
    with engine.connect() as watching, engine.begin() as blocking:
        watching.execution_options(isolation_level="AUTOCOMMIT")
        blocking.execute(sa.text("lock table ev_session in access exclusive mode"))
        begin()
        count = sa.text(f"select count(*) {_WAITING}")
        wait_until(
            lambda: watching.execute(count).scalar_one() == n_waiting,
            within_s=WITHIN_S,
        )
        watching.execute(sa.text(f"select pg_terminate_backend(pid) {_WAITING}"))
    return datetime.now(UTC)


def test_a_broker_that_is_back_gets_its_panels_after_a_round_that_failed(
    engine: sa.Engine, settings: Settings, broker: RunningBroker
) -> None:
    began_at = datetime.now(UTC)
    reached = streaming_settings(settings, broker)
    with proxied(reached.mqtt_port) as proxy, dashboard(broker, OTHER) as screen:

        def reconnect() -> None:
            proxy.cut()
            proxy.mend()

        with teller(engine, reached.model_copy(update={"mqtt_port": proxy.port})):
            take_since(screen, began_at)
            take_since(screen, lose_connections(engine, 2, reconnect))


def test_the_live_panel_is_told_after_it_could_not_be_made(
    engine: sa.Engine, settings: Settings, broker: RunningBroker
) -> None:
    began_at = datetime.now(UTC)
    with (
        dashboard(broker, LIVE) as screen,
        dashboard(broker, topics.PROGRESS) as progress,
        teller(engine, streaming_settings(settings, broker)) as telling,
    ):
        take_since(screen, began_at)
        take_since(progress, began_at)
        take_since(screen, lose_connections(engine, 1, telling.note_change))


def test_the_live_panel_is_told_at_the_end(
    engine: sa.Engine, settings: Settings, broker: RunningBroker
) -> None:
    began_at = datetime.now(UTC)
    with dashboard(broker, LIVE) as screen, dashboard(broker, topics.PROGRESS) as progress:
        with teller(engine, streaming_settings(settings, broker)):
            take_since(screen, began_at)
            take_since(progress, began_at)
            ending_at = datetime.now(UTC)
        take_since(screen, ending_at)
