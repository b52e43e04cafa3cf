"""What an account may do at a real broker: refused, or nothing received, wherever it may not."""

from collections.abc import Callable

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.messages import NOT_AUTHORISED
from ev_pipeline_tests.messaging.listening import WITHIN_S, listening
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until

TopicOf = Callable[[str], str]

FORBIDDEN_TO_CHARGERS: dict[str, TopicOf] = {
    "sessions of another": topics.sessions,
    "rejections of another": topics.rejections,
    "answers of another": lambda other: f"ev/answers/{other}/1",
    "predict requests of another": topics.predict_requests,
    "period requests": topics.period_requests,
    "live panel": lambda _other: topics.panel("live"),
    "summary panel": lambda _other: topics.panel("summary"),
    "progress": lambda _other: topics.PROGRESS,
    "status": lambda _other: topics.STATUS,
    "alerts": lambda _other: topics.ALERTS,
    "a level below its own": lambda _other: "ev/sessions/x/y",
    "anything else": lambda _other: "something",
}


@pytest.mark.parametrize("what", FORBIDDEN_TO_CHARGERS)
def test_a_charger_may_not_write(broker: RunningBroker, what: str) -> None:
    other = broker.login("charger-2").username
    with listening(broker.login("charger-1")) as charger:
        sent = charger.client.publish(FORBIDDEN_TO_CHARGERS[what](other), b"x", is_retained=True)
        assert sent.result(WITHIN_S).reason_code == NOT_AUTHORISED


def test_a_charger_may_write_its_own_topics_and_read_what_is_for_everybody(
    broker: RunningBroker,
) -> None:
    charger = broker.add_charger()
    name = charger.username
    everybody = (topics.PROGRESS, topics.STATUS, topics.ALERTS)
    hears = (topics.EVERY_SESSION, topics.EVERY_PREDICT_REQUEST)
    with (
        listening(charger, topics.rejections(name), topics.answers(name), *everybody) as mine,
        listening(broker.login("stream"), *hears) as worker,
    ):
        for topic in (topics.sessions(name), topics.predict_requests(name)):
            assert mine.client.publish(topic, b"up").result(WITHIN_S).is_accepted
            assert worker.take().topic == topic
        down = (topics.rejections(name), f"ev/answers/{name}/a/b", *everybody)
        for topic in down:
            assert worker.client.publish(topic, b"down").result(WITHIN_S).is_accepted
            while (heard := mine.take()).is_retained:
                pass  # what others left
            assert heard.topic == topic


@pytest.mark.parametrize(
    "spying", ["#", "ev/#", "+/+/+", "ev/sessions/+", "ev/answers/#", "ev/dashboard/+", "$SYS/#"]
)
def test_a_charger_that_listens_elsewhere_receives_nothing(
    broker: RunningBroker, spying: str
) -> None:
    spy, victim = broker.add_charger(), broker.add_charger()
    theirs = [topics.sessions(victim.username), topics.predict_requests(victim.username)]
    ours = [
        topics.rejections(victim.username),
        f"ev/answers/{victim.username}/1",
        topics.panel("live"),
        topics.panel("summary"),
    ]
    own = topics.rejections(spy.username)
    hears = (topics.EVERY_SESSION, topics.EVERY_PREDICT_REQUEST)
    with (
        listening(broker.login("stream"), *hears) as worker,
        listening(victim) as other,
        listening(spy, spying, own) as while_it_is_sent,
    ):
        for topic in theirs:
            assert other.client.publish(topic, b"secret").result(WITHIN_S).is_accepted
        for topic in ours:
            sent = worker.client.publish(topic, b"secret", is_retained=True).result(WITHIN_S)
            assert sent.is_taken
        worker.client.publish(own, b"last")
        assert b"secret" not in while_it_is_sent.payloads_until(b"last")
        with listening(spy, spying, own) as later:
            worker.client.publish(own, b"last")
            assert b"secret" not in later.payloads_until(b"last")


def test_what_mqtt_3_lets_a_charger_believe_it_sent_as_another_arrives_nowhere(
    broker: RunningBroker,
) -> None:
    attacker, victim = broker.add_charger(), broker.add_charger()
    acknowledged: list[int] = []
    old = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
    old.username_pw_set(attacker.username, attacker.password)
    old.tls_set_context(attacker.tls())
    old.on_publish = lambda _client, _data, packet_id, *_: acknowledged.append(packet_id)
    with listening(broker.login("stream"), topics.EVERY_SESSION) as worker:
        old.connect(attacker.host, attacker.port, keepalive=600)
        old.loop_start()
        old.publish(topics.sessions(victim.username), b"forged", qos=1)
        wait_until(lambda: acknowledged, within_s=WITHIN_S)
        old.publish(topics.sessions(attacker.username), b"own", qos=1)
        heard = worker.take()
        old.disconnect()
        old.loop_stop()
    assert (heard.topic, heard.payload) == (topics.sessions(attacker.username), b"own")


WRITES = {
    "stream": {*topics.STREAM_PANELS},
    "dagster": {*topics.OPERATION_PANELS, *topics.STREAM_PANELS} - {topics.LIVE_PANEL},
    "nodered": set[str](),
    "simulator": set[str](),
}


@pytest.mark.parametrize("account", WRITES)
def test_each_panel_has_its_owners(broker: RunningBroker, account: str) -> None:
    with listening(broker.login(account)) as service:
        outcomes = {
            panel: service.client.publish(topics.panel(panel), b"x").result(WITHIN_S)
            for panel in (*topics.STREAM_PANELS, *topics.OPERATION_PANELS, "another")
        }
    assert {panel for panel, outcome in outcomes.items() if outcome.is_taken} == WRITES[account]


def test_the_dashboard_reads_panels_and_asks_under_its_own_name_only(broker: RunningBroker) -> None:
    hears = (topics.EVERY_PERIOD_REQUEST, topics.EVERY_PREDICT_REQUEST)
    with (
        listening(broker.login("nodered"), topics.EVERY_PANEL) as dashboard,
        listening(broker.login("stream"), *hears) as worker,
    ):
        while not dashboard.heard.empty():  # panels that earlier tests left
            dashboard.take()
        assert worker.client.publish(topics.panel("cost"), b"{}").result(WITHIN_S).is_accepted
        assert dashboard.take().payload == b"{}"
        for topic in (topics.period_requests("nodered"), topics.predict_requests("nodered")):
            assert dashboard.client.publish(topic, b"?").result(WITHIN_S).is_accepted
            assert worker.take().topic == topic
        for topic in (topics.period_requests("charger-1"), topics.sessions("nodered")):
            sent = dashboard.client.publish(topic, b"?").result(WITHIN_S)
            assert sent.reason_code == NOT_AUTHORISED


def test_nobody_but_chargers_reports_sessions(broker: RunningBroker) -> None:
    for account in ("stream", "dagster", "nodered"):
        with listening(broker.login(account)) as service:
            for name in (account, "charger-1"):
                sent = service.client.publish(topics.sessions(name), b"x").result(WITHIN_S)
                assert sent.reason_code == NOT_AUTHORISED


@pytest.mark.parametrize(
    ("topic", "is_its"),
    [
        ("ev/answers/depot/1", True),
        ("ev/answers/depot/a/b", True),
        ("ev/answers/depot", False),
        ("ev/answers/depot/", False),
        ("ev/answers/depot-2/1", False),
        ("ev/answers/depot/+", False),
        ("ev/answers/depot/a/#", False),
        ("ev/answers/depot/a\0", False),
        ("ev/rejections/depot", False),
        ("ev/dashboard/live", False),
        ("", False),
    ],
)
def test_an_answer_goes_to_whoever_asked_only(topic: str, is_its: bool) -> None:  # noqa: FBT001 - a table
    assert topics.is_answer_of(topic, "depot") is is_its
