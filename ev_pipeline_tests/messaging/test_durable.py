import signal

import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.durable import DURABLE_TOPICS, client_id, establish
from ev_pipeline.messaging.session import DURABLE_S, Session
from ev_pipeline.stack.broker_credentials import stack_client_id
from ev_pipeline_tests.messaging.listening import WITHIN_S, listening
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until


def test_once_the_session_is_there_nothing_is_lost_before_the_first_worker_starts(
    broker: RunningBroker,
) -> None:
    name = stack_client_id(broker.layout, "stream")
    establish(broker.login("stream"), name)
    charger = broker.add_charger()
    topic = topics.sessions(charger.username)
    with listening(charger) as sender:
        assert sender.client.publish(topic, b"first").result(WITHIN_S).is_accepted
    session = Session(client_id=name, expiry_s=DURABLE_S)
    with listening(broker.login("stream"), *DURABLE_TOPICS, session=session) as worker:
        assert worker.take().payload == b"first"


def test_what_the_broker_has_written_survives_its_death(own_broker: RunningBroker) -> None:
    name = stack_client_id(own_broker.layout, "stream")
    establish(own_broker.login("stream"), name)
    charger = own_broker.add_charger()
    with listening(charger) as sender:
        sent = sender.client.publish(topics.sessions(charger.username), b"kept through a kill")
        assert sent.result(WITHIN_S).is_accepted
    store = own_broker.layout.mosquitto / "mosquitto.db"
    wait_until(
        lambda: store.exists() and b"kept through a kill" in store.read_bytes(), within_s=WITHIN_S
    )
    own_broker.stop(signal.SIGKILL)
    own_broker.start()
    session = Session(client_id=name, expiry_s=DURABLE_S)
    with listening(own_broker.login("stream"), *DURABLE_TOPICS, session=session) as worker:
        assert worker.take().payload == b"kept through a kill"


def test_the_sessions_name_cannot_be_guessed_and_only_the_worker_is_told(
    broker: RunningBroker,
) -> None:
    name = stack_client_id(broker.layout, "stream")
    assert len(name) > 32
    assert len(set(name)) > 8
    holders = [
        file.name for file in broker.layout.credentials.iterdir() if name in file.read_text()
    ]
    assert holders == ["stream.env"]
    settings = broker.settings.model_copy(update={"mqtt_client_id": name})
    assert client_id(settings) == name
    assert name not in repr(settings)


def test_a_worker_without_the_sessions_name_is_told_where_it_is(broker: RunningBroker) -> None:
    with pytest.raises(PipelineError) as caught:
        client_id(broker.settings)
    assert "credentials/stream.env" in caught.value.mend
