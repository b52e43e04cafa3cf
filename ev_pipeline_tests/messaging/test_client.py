"""The client against a real broker: what is delivered, acknowledged, refused and lost."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.messages import NOBODY_SUBSCRIBED, NOT_AUTHORISED, TOO_LARGE
from ev_pipeline.messaging.session import DURABLE_S, Session, Will
from ev_pipeline_tests.conftest import free_port
from ev_pipeline_tests.messaging.listening import WITHIN_S, listening
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until


@pytest.fixture
def durable(broker: RunningBroker) -> Session:
    return Session(client_id=broker.new_session_id(), expiry_s=DURABLE_S)


def sent(client: Client, topic: str, payload: bytes) -> bool:
    return client.publish(topic, payload).result(WITHIN_S).is_accepted


def test_what_is_acknowledged_does_not_come_again_and_the_rest_does(
    broker: RunningBroker, durable: Session
) -> None:
    charger = broker.add_charger()
    topic = topics.sessions(charger.username)
    with listening(charger) as sender:
        with listening(broker.login("stream"), topic, session=durable) as worker:
            payloads = [b"1", b"2", b"3", b"4"]
            assert all(sent(sender.client, topic, payload) for payload in payloads)
            came = [worker.next() for _ in payloads]
            assert [each.payload for each in came] == payloads
            assert not any(each.is_redelivered for each in came)
            assert worker.client.acknowledge(came[1], came[2])
        with listening(broker.login("stream"), topic, session=durable) as worker:
            again = [worker.take(), worker.take()]
            assert [each.payload for each in again] == [b"1", b"4"]
            assert all(each.is_redelivered for each in again)
            assert sent(sender.client, topic, b"5")
            assert worker.take().payload == b"5"


def test_what_is_sent_while_nobody_is_there_waits_in_a_durable_session(
    broker: RunningBroker, durable: Session
) -> None:
    charger = broker.add_charger()
    topic = topics.sessions(charger.username)
    with listening(broker.login("stream"), topic, session=durable):
        pass
    with listening(charger) as sender:
        assert sent(sender.client, topic, b"kept")
    with listening(broker.login("stream"), topic, session=durable) as worker:
        assert worker.take().payload == b"kept"


def test_an_acknowledgement_of_an_earlier_connection_is_dropped(
    own_broker: RunningBroker, durable: Session
) -> None:
    charger = own_broker.add_charger()
    topic = topics.sessions(charger.username)
    with (
        listening(charger) as sender,
        listening(own_broker.login("stream"), topic, session=durable) as worker,
    ):
        assert sent(sender.client, topic, b"old")
        old = worker.next()
        own_broker.stop(signal.SIGKILL)
        (own_broker.layout.mosquitto / "mosquitto.db").unlink(missing_ok=True)
        own_broker.start()
        wait_until(lambda: worker.client.is_connected, within_s=WITHIN_S)
        assert sent(sender.client, topic, b"new")
        new = worker.next()
        assert (new.payload, new.packet_id) == (b"new", old.packet_id)
        assert new.generation > old.generation
        assert worker.client.acknowledge(old) is False
    with listening(own_broker.login("stream"), topic, session=durable) as worker:
        assert worker.take().payload == b"new"


def test_what_is_published_while_the_broker_is_away_goes_out_when_it_is_back(
    own_broker: RunningBroker, durable: Session
) -> None:
    charger = own_broker.add_charger()
    topic = topics.sessions(charger.username)
    with (
        listening(charger) as sender,
        listening(own_broker.login("stream"), topic, session=durable) as worker,
    ):
        own_broker.stop()
        wait_until(lambda: not sender.client.is_connected, within_s=WITHIN_S)
        waiting = sender.client.publish(topic, b"from the outbox")
        assert not waiting.done()
        own_broker.start()
        assert waiting.result(WITHIN_S).is_accepted
        assert worker.take().payload == b"from the outbox"


def test_a_message_for_nobody_is_taken_and_not_accepted(broker: RunningBroker) -> None:
    charger = broker.add_charger()
    with listening(charger) as sender:
        outcome = sender.client.publish(topics.sessions(charger.username), b"x").result(WITHIN_S)
    assert outcome.reason_code == NOBODY_SUBSCRIBED
    assert outcome.is_taken
    assert not outcome.is_accepted
    assert not outcome.is_refused


def test_a_message_where_the_account_may_not_write_is_refused(broker: RunningBroker) -> None:
    charger = broker.add_charger()
    with listening(charger) as sender:
        outcome = sender.client.publish(topics.panel("live"), b"x").result(WITHIN_S)
    assert outcome.reason_code == NOT_AUTHORISED
    assert outcome.is_refused
    assert not outcome.is_taken


def test_the_largest_message_goes_through_and_a_larger_one_costs_nothing_else(
    broker: RunningBroker,
) -> None:
    charger = broker.add_charger()
    topic = topics.sessions(charger.username)
    with listening(charger) as sender, listening(broker.login("stream"), topic) as worker:
        limit = sender.client._greatest_packet
        assert limit == 2097152
        for size in (limit, limit - len(topic)):
            outcome = sender.client.publish(topic, b"x" * size).result(WITHIN_S)
            assert outcome.reason_code == TOO_LARGE
            assert outcome.is_refused
        largest = b"x" * (limit - len(topic) - 10)
        assert sent(sender.client, topic, largest)
        assert worker.take().payload == largest
        assert sent(sender.client, topic, b"next")
        assert worker.take().payload == b"next"


def test_a_request_carries_where_and_how_to_answer(broker: RunningBroker) -> None:
    charger = broker.add_charger()
    name = charger.username
    answer_topic = f"ev/answers/{name}/1"
    with (
        listening(broker.login("stream"), topics.EVERY_PREDICT_REQUEST) as worker,
        listening(charger, topics.answers(name)) as sender,
    ):
        sender.client.publish(
            topics.predict_requests(name),
            b"?",
            response_topic=answer_topic,
            correlation=b"\x00\xff",
            properties={"message_id": "m-1"},
        )
        request = worker.take()
        assert request.response_topic == answer_topic
        assert request.correlation == b"\x00\xff"
        assert request.properties == {"message_id": "m-1"}
        assert topics.account_of(request.topic) == name
        worker.client.publish(answer_topic, b"!", correlation=request.correlation)
        answer = sender.take()
        assert (answer.payload, answer.correlation) == (b"!", b"\x00\xff")
        assert answer.response_topic is None


def test_who_is_gone_without_a_word_leaves_a_will_and_who_says_goodbye_does_not(
    broker: RunningBroker,
) -> None:
    session = Session(will=Will(topics.STATUS, b"offline"))
    with listening(broker.add_charger(), topics.STATUS) as observer:
        with listening(broker.login("stream"), session=session) as worker:
            worker.client.publish(topics.STATUS, b"online", is_retained=True)
            while observer.take().payload != b"online":
                pass  # what others left
            sock = worker.client._paho.socket()
            assert sock is not None
            sock.close()
            assert observer.take().payload == b"offline"
        with listening(broker.login("stream"), session=session) as worker:
            worker.client.publish(topics.STATUS, b"again", is_retained=True).result(WITHIN_S)
            assert observer.take().payload == b"again"
        with listening(broker.add_charger(), topics.STATUS) as late:
            kept = late.take()
            assert kept.payload == b"again"
            assert kept.is_retained


def test_what_nobody_answered_for_has_no_reason_code(own_broker: RunningBroker) -> None:
    charger = own_broker.add_charger()
    with listening(charger) as sender:
        own_broker.stop()
        waiting = sender.client.publish(topics.sessions(charger.username), b"x")
    assert waiting.result(0).reason_code is None
    assert not waiting.result(0).is_taken


@pytest.mark.parametrize("fault", ["password", "authority", "port"])
def test_a_login_that_cannot_work_is_one_line_with_the_mend(
    broker: RunningBroker, own_broker: RunningBroker, fault: str
) -> None:
    login = broker.login("stream")
    wrong, said = {
        "password": (replace(login, password="guessed"), "refuses the account stream"),  # noqa: S106 - wrong on purpose
        "authority": (
            replace(login, ca_file=own_broker.layout.authority),
            "certificate is not to be trusted",
        ),
        "port": (replace(login, port=free_port()), "the broker does not answer"),
    }[fault]
    with Client(wrong, Session()) as client, pytest.raises(PipelineError, match=said) as caught:
        client.wait_connected(0.5)
    assert "\n" not in str(caught.value)
    assert wrong.address in str(caught.value)
    assert caught.value.mend


def test_an_authority_file_that_is_none_is_named(broker: RunningBroker, tmp_path: Path) -> None:
    login = broker.login("stream")
    for path in (tmp_path / "missing.crt", broker.layout.authority_key):
        with pytest.raises(PipelineError, match="authority's certificate") as caught:
            Client(replace(login, ca_file=path), Session())
        assert str(path) in str(caught.value)


def test_a_login_needs_an_account_and_a_password_or_its_file(
    broker: RunningBroker, tmp_path: Path
) -> None:
    settings = broker.reached_by("stream", broker.settings)
    assert Login.from_settings(settings) == broker.login("stream")
    file = tmp_path / "password"
    file.write_text(f"{settings.mqtt_password}\n")
    by_file = settings.model_copy(update={"mqtt_password": None, "mqtt_password_file": file})
    assert Login.from_settings(by_file) == broker.login("stream")
    assert str(settings.mqtt_password) not in repr(settings) + repr(broker.login("stream"))
    file.unlink()
    for wrong, said in (
        (by_file, "EV_MQTT_PASSWORD_FILE"),
        (by_file.model_copy(update={"mqtt_password_file": None}), "EV_MQTT_PASSWORD"),
        (settings.model_copy(update={"mqtt_username": None}), "EV_MQTT_USERNAME"),
    ):
        with pytest.raises(PipelineError) as caught:
            Login.from_settings(wrong)
        assert said in caught.value.mend
