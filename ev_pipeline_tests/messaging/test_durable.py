import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.durable import DURABLE_TOPICS, client_id, establish
from ev_pipeline.messaging.session import DURABLE_S, Session
from ev_pipeline.stack.broker_accounts import stack_client_id
from ev_pipeline_tests.messaging.listening import WITHIN_S, listening
from ev_pipeline_tests.running_broker import RunningBroker


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
