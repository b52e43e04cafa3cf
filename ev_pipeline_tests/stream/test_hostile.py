"""Whatever is sent, each record is accounted for, and the sessions between are not held up."""

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from ev_pipeline.messaging import topics
from ev_pipeline.stream.running import Stream
from ev_pipeline_tests.messaging.listening import WITHIN_S
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.sources.messages import decoded_rows
from ev_pipeline_tests.sources.test_payloads_hostile import FUZZ, payloads
from ev_pipeline_tests.stream.accounts import await_received, n_refusals
from ev_pipeline_tests.stream.streams import Charger, a_session, charging, count

N_BATCH = 100

BATCHES = st.lists(payloads(), min_size=N_BATCH, max_size=N_BATCH)


def send_all(charger: Charger, batch: list[bytes]) -> int:
    """The payloads are sent, a valid session after every tenth; returns how many records."""
    client, topic = charger.listener.client, topics.sessions(charger.name)
    good = 0
    sent = []
    for number, payload in enumerate(batch):
        sent.append(client.publish(topic, payload))
        if number % 10 == 9:
            name = f"{charger.name}-{number}"
            charger.send(a_session(name, station_id=charger.name, connector_id=name))
            good += 1
    assert all(each.result(WITHIN_S).is_accepted for each in sent)
    return good + sum(len(decoded_rows(payload)) for payload in batch)


def assert_batch_is_accounted_for(
    engine: sa.Engine, broker: RunningBroker, stream: Stream, batch: list[bytes]
) -> None:
    with charging(broker) as charger:
        n_records = send_all(charger, batch)
        n_received, *decisions = await_received(engine, charger.name, n_records)
        assert n_received == n_records == sum(decisions)
        assert n_refusals(engine, charger.name) == decisions[-1]
        for _ in range(decisions[-1]):
            assert charger.next_rejection()["reasons"]
    good = f"station_id = '{charger.name}' and station_id = source"
    assert count(engine, "ev_session", good) == N_BATCH // 10
    assert stream.is_up


SENDING = examples(
    FUZZ,
    max_examples=10,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@given(batch=BATCHES)
@SENDING
def test_a_thousand_hostile_payloads_are_each_accounted_for_and_hold_up_no_session(
    engine: sa.Engine, broker: RunningBroker, stream: Stream, batch: list[bytes]
) -> None:
    assert_batch_is_accounted_for(engine, broker, stream, batch)


@pytest.mark.long
@given(batch=BATCHES)
@examples(SENDING, max_examples=100)
def test_ten_thousand_hostile_payloads_are_each_accounted_for_and_hold_up_no_session(
    engine: sa.Engine, broker: RunningBroker, stream: Stream, batch: list[bytes]
) -> None:
    assert_batch_is_accounted_for(engine, broker, stream, batch)
