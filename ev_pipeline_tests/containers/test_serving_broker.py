"""The broker as its container runs it: what another container writes is taken up by itself."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ev_pipeline.cli.main import app
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.durable import DURABLE_TOPICS, establish
from ev_pipeline.messaging.handshake import log_in
from ev_pipeline.messaging.session import DURABLE_S, Session
from ev_pipeline.settings import Settings
from ev_pipeline.stack.broker import Broker, prepare_broker, write_broker_files
from ev_pipeline.stack.broker_credentials import stack_client_id
from ev_pipeline.stack.layout import PUBLIC_FILE, Layout
from ev_pipeline_tests.conftest import free_port, quick_home
from ev_pipeline_tests.house.repository import ROOT
from ev_pipeline_tests.messaging.listening import WITHIN_S, listening
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until


class ServedBroker(Broker):
    """What the container's entry point starts."""

    @property
    def script(self) -> Path:
        """Where whoever runs the broker can read it, unlike a checkout."""
        return self.configuration.parents[1] / "serve.sh"

    @property
    def command(self) -> list[str]:
        return ["/bin/sh", str(self.script), str(self.configuration.parent)]

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.program.parent}:{os.defpath}", "TZ": "UTC"}


@pytest.fixture
def serve() -> Iterator[Callable[..., RunningBroker]]:
    """Starts a broker with the limits, in place of the usual ones."""
    with ExitStack() as stack:

        def start(**limits: int) -> RunningBroker:
            home = quick_home()
            stack.callback(shutil.rmtree, home)
            settings = Settings(home=home, mqtt_port=free_port()).model_copy(update=limits)
            Layout(home).make()
            made = prepare_broker(settings, datetime.now(tz=UTC))
            broker = ServedBroker(
                made.program, made.configuration, made.account, made.login, made.open_files
            )
            shutil.copyfile(ROOT / "infra/mosquitto/serve.sh", broker.script)
            broker.script.chmod(PUBLIC_FILE)
            running = RunningBroker(settings, broker)
            running.start()
            stack.callback(running.stop)
            return running

        yield start


@pytest.mark.parametrize(
    "limits",
    [{"broker_queue_messages": 5}, {"broker_queue_bytes": 500}],
    ids=lambda each: next(iter(each)),
)
def test_a_longer_queue_is_taken_up_and_what_was_queued_stays(
    serve: Callable[..., RunningBroker], limits: dict[str, int]
) -> None:
    broker = serve(**limits)
    session_id = stack_client_id(broker.layout, "stream")
    establish(broker.login("stream"), session_id)
    charger = broker.login("charger-1")

    def send(*names: str) -> None:
        with listening(charger) as sender:
            for name in names:
                sent = sender.client.publish(topics.sessions(charger.username), _payload(name))
                assert sent.result(WITHIN_S).is_accepted

    def has_kept_more() -> bool:
        send("more")
        return _payload("more") in broker.layout.broker_store.read_bytes()

    early, late = ([f"{when}-{number}" for number in range(12)] for when in ("early", "late"))
    send(*early)
    wait_until(broker.layout.broker_store.exists, within_s=WITHIN_S)
    assert not has_kept_more()
    longer = Settings(home=broker.layout.home, mqtt_port=broker.settings.mqtt_port)
    write_broker_files(longer, datetime.now(tz=UTC), account=broker.broker.account)
    wait_until(has_kept_more, within_s=WITHIN_S)
    send(*late)
    session = Session(client_id=session_id, expiry_s=DURABLE_S)
    with listening(broker.login("stream"), *DURABLE_TOPICS, session=session) as worker:
        came = worker.payloads_until(_payload(late[-1]))
    assert _payload(early[0]) in came
    assert _payload(early[-1]) not in came
    assert came[-11:] == [_payload(name) for name in late[:-1]]


def _payload(name: str) -> bytes:
    return name.encode().ljust(100)


def test_an_account_is_removed_when_the_broker_refuses_it(
    serve: Callable[..., RunningBroker],
) -> None:
    broker = serve()
    charger = broker.login("charger-2")
    log_in(charger).close()
    environment = {
        "EV_HOME": str(broker.layout.home),
        "EV_BROKER_HOST": "127.0.0.1",
        "EV_MQTT_PORT": str(broker.settings.mqtt_port),
    }
    removed = CliRunner().invoke(app, ["accounts", "remove", "charger-2"], env=environment)
    assert removed.exit_code == 0, removed.exception
    with pytest.raises(PipelineError):
        log_in(charger)
