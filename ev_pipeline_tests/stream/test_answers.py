"""Questions that come by MQTT, and what is answered."""

import json
import uuid
from typing import Any

import sqlalchemy as sa

from ev_pipeline.messaging import topics
from ev_pipeline.stream.running import Stream
from ev_pipeline_tests.messaging.listening import WITHIN_S, Listener, listening
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.streams import count, dashboard

ACCOUNT = "nodered"


def ask(screen: Listener, question: object) -> dict[str, Any]:
    """The answer to a question about a period."""
    correlation = uuid.uuid4().bytes
    sent = screen.client.publish(
        topics.period_requests(ACCOUNT),
        json.dumps(question).encode(),
        response_topic=f"ev/answers/{ACCOUNT}/1",
        correlation=correlation,
    )
    assert sent.result(WITHIN_S).is_accepted
    answer = screen.take()
    assert answer.correlation == correlation
    document: dict[str, Any] = json.loads(answer.payload)
    return document


def test_a_period_is_reported_to_whoever_asks(
    engine: sa.Engine, broker: RunningBroker, stream: Stream
) -> None:
    assert stream.is_up
    with dashboard(broker, topics.answers(ACCOUNT)) as screen:
        answer = ask(screen, {"query": "period", "from": "2018-01-01", "to": "2026-12-31"})
        wrong = ask(screen, {"query": "period", "from": "2026-02-01", "to": "2026-01-01"})
    assert answer["n_sessions"] == count(engine, "ev_session", "started_at >= '2018-01-01'")
    assert set(wrong["error"]) == {"code", "message"}


def test_a_question_that_wants_its_answer_elsewhere_is_quarantined(
    engine: sa.Engine, broker: RunningBroker, stream: Stream
) -> None:
    assert stream.is_up
    with dashboard(broker, topics.answers(ACCOUNT)) as screen:
        for elsewhere in ("ev/answers/charger-1/1", "ev/dashboard/summary", None):
            sent = screen.client.publish(
                topics.period_requests(ACCOUNT),
                json.dumps({"query": "period", "elsewhere": elsewhere}).encode(),
                response_topic=elsewhere,
            )
            assert sent.result(WITHIN_S).is_accepted
        refused = f"origin = '{ACCOUNT}' and codes = '{{malformed}}'"
        wait_until(lambda: count(engine, "ev_quarantine", refused) == 3, within_s=WITHIN_S)


def test_a_question_of_an_account_whose_mapping_is_gone_is_quarantined_too(
    engine: sa.Engine, broker: RunningBroker, stream: Stream
) -> None:
    login = broker.add_charger(source="of-no-file", scope="elsewhere")
    with listening(login) as asker:
        sent = asker.client.publish(topics.predict_requests(login.username), b"{}")
        assert sent.result(WITHIN_S).is_accepted
        refused = f"origin = '{login.username}' and codes = '{{malformed}}'"
        wait_until(lambda: count(engine, "ev_quarantine", refused) == 1, within_s=WITHIN_S)
    assert stream.is_up
