"""Hostile payloads through a real broker: each accounted for, and no valid one waits for them."""

import json
from concurrent.futures import Future

import pytest
import sqlalchemy as sa
from hypothesis import given, settings

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.messages import Outcome
from ev_pipeline.stream.running import Stream
from ev_pipeline_tests.messaging.listening import WITHIN_S
from ev_pipeline_tests.sources.messages import decoded_rows
from ev_pipeline_tests.sources.test_payloads_hostile import BATCHES, FUZZ, GOOD, SIZE
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.streams import Charger, a_session, count
from ev_pipeline_tests.stream.test_worker import await_received

BETWEEN = 20
"""Hostile payloads between two valid ones."""

BOMBS = (
    b"",
    b"\0",
    b"[" * SIZE,
    b'{"a":' * 100_000,
    b"9" * SIZE,
    b'"' + b"x" * SIZE + b'"',
    b"[" + b"0," * 20_000 + b"0]",
    GOOD.replace(b"12.4", b"1e999"),
    GOOD.replace(b"12.4", b"9" * 5000),
    GOOD.replace(b"U-17", b"U\\u0000"),
    GOOD.replace(b"U-17", b"x" * SIZE),
)


def hostile(n_batches: int) -> list[bytes]:
    """The worst that we know, and whatever the generators come up with."""
    payloads = list(BOMBS)

    @settings(FUZZ, max_examples=n_batches)
    @given(batch=BATCHES)
    def collect(batch: list[bytes]) -> None:
        payloads.extend(batch)

    collect()
    return payloads


def endure(engine: sa.Engine, charger: Charger, stream: Stream, payloads: list[bytes]) -> None:
    n_valid = 0
    futures = []
    for number, payload in enumerate(payloads):
        if number % BETWEEN == 0:
            valid = a_session(f"valid-{n_valid}", connector_id=f"{n_valid}")
            futures.append(publish(charger, json.dumps(valid).encode()))
            n_valid += 1
        futures.append(publish(charger, payload))
    assert all(future.result(WITHIN_S).is_accepted for future in futures)
    n_records = n_valid + len(decoded_rows(*payloads))
    wait_until(
        lambda: count(engine, "ev_session", "source_session_id like 'valid-%'") == n_valid,
        within_s=WITHIN_S + len(payloads) / 50,
    )
    wait_until(lambda: await_received(engine, charger.name, 1)[0] >= n_records, within_s=60)
    received, *parts = map(int, await_received(engine, charger.name, n_records))
    assert (received, sum(parts)) == (n_records, n_records)
    told = [charger.next_rejection() for _ in range(parts[3])]
    assert all(rejection["reasons"] for rejection in told)
    seen = f"origin = '{charger.name}'"
    with engine.connect() as connection:
        statement = sa.text(f"select sum(times_seen) from ev_quarantine where {seen}")
        assert connection.execute(statement).scalar_one() == parts[3]
    assert stream.is_up


def publish(charger: Charger, payload: bytes) -> Future[Outcome]:
    return charger.listener.client.publish(topics.sessions(charger.name), payload)


def test_a_thousand_hostile_payloads_stop_nobody(
    engine: sa.Engine, stream: Stream, charger: Charger
) -> None:
    endure(engine, charger, stream, hostile(50))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_ten_thousand_hostile_payloads_stop_nobody(
    engine: sa.Engine, stream: Stream, charger: Charger
) -> None:
    endure(engine, charger, stream, hostile(500))
