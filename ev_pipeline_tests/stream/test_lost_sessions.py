"""A broker that has lost its store: nothing is acknowledged on it that was delivered by the old."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import pytest
import sqlalchemy as sa

from ev_pipeline.messaging import topics
from ev_pipeline_tests.messaging.listening import WITHIN_S
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.installation import Installation, installed
from ev_pipeline_tests.stream.streams import a_session, client_of, count

LOCK = sa.text("lock table ev_station in access exclusive mode")
"""A batch reads it first, and keeps its share until it commits."""

IN_LINE = "wait_event_type = 'Lock' and query like 'lock table%'"


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with installed(tmp_path) as installation:
        yield installation


def report(installation: Installation, name: str) -> None:
    """The broker has accepted the session for the worker."""
    payload = json.dumps(a_session(name, connector_id=name)).encode()
    with client_of(installation.broker.login("charger-1")) as client:
        client.wait_connected(WITHIN_S)

        def is_accepted() -> bool:
            sent = client.publish(topics.sessions("charger-1"), payload)
            return sent.result(WITHIN_S).is_accepted

        wait_until(is_accepted, within_s=WITHIN_S)


def is_stored(installation: Installation, name: str) -> bool:
    return count(installation.engine, "ev_session", f"source_session_id = '{name}'") == 1


def await_in_hand(installation: Installation) -> None:
    """The worker has taken a message and not stored it."""
    port = installation.worker.settings.metrics_port

    def is_in_hand() -> bool:
        with urlopen(f"http://127.0.0.1:{port}/metrics") as page:
            return b"\nev_stream_in_flight 1.0\n" in page.read()

    wait_until(is_in_hand, within_s=WITHIN_S)


def test_a_late_acknowledgement_is_not_taken_for_another_message(
    installation: Installation,
) -> None:
    broker, engine = installation.broker, installation.engine
    with engine.connect() as first, engine.connect() as second, ThreadPoolExecutor(1) as pool:
        first.execute(LOCK)
        report(installation, "old")
        await_in_hand(installation)
        broker.kill()
        (broker.layout.mosquitto / "mosquitto.db").unlink(missing_ok=True)
        broker.start()
        report(installation, "new")  # the first of its session, as the other was of its own
        granted = pool.submit(second.execute, LOCK)
        wait_until(lambda: count(engine, "pg_stat_activity", IN_LINE) == 1, within_s=WITHIN_S)
        first.rollback()
        granted.result()  # comes after the worker, who has committed `old` and acknowledges it
        await_in_hand(installation)
        installation.worker.kill()
        second.rollback()
    assert is_stored(installation, "old")
    assert not is_stored(installation, "new")
    installation.start_again("worker")
    wait_until(lambda: is_stored(installation, "new"), within_s=WITHIN_S)
