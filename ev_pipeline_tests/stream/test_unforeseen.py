"""An error that nobody foresaw ends the worker, so that it is started again, and loses nothing."""

import json
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from ev_pipeline.messaging import topics
from ev_pipeline.storage.rollup_shapes import NETWORK
from ev_pipeline_tests.messaging.listening import WITHIN_S
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.streams import Charger, a_session, charging, count, dashboard
from ev_pipeline_tests.stream.worker_process import WorkerProcess, running


def report(broker: RunningBroker, charger: Charger) -> None:
    """Panels are told after it."""
    assert broker.process
    charger.send(a_session("S-1"))


def ask(broker: RunningBroker, charger: Charger) -> None:
    """So does a period's report, which counts what was refused."""
    assert charger.login
    with dashboard(broker) as screen:
        question = {"query": "period", "from": "2026-01-01", "to": "2026-12-31"}
        sent = screen.client.publish(
            topics.period_requests("nodered"),
            json.dumps(question).encode(),
            response_topic="ev/answers/nodered/1",
        )
        assert sent.result(WITHIN_S).is_accepted


@pytest.mark.parametrize(
    ("provoke", "table", "part"),
    [(report, NETWORK.table, "teller"), (ask, "ev_quarantine", "responder")],
)
def test_an_error_in_any_thread_ends_the_worker_with_one_line_and_its_sessions_stay(
    engine: sa.Engine,
    worker: WorkerProcess,
    broker: RunningBroker,
    provoke: Callable[[RunningBroker, Charger], None],
    table: str,
    part: str,
) -> None:
    with running(worker), charging(broker) as charger:
        with engine.begin() as connection:
            connection.execute(sa.text(f"alter table {table} rename to gone"))
        provoke(broker, charger)
        assert worker.await_end() == 1
        charger.send(a_session("S-2", connector_id="2"))
    said = worker.said().splitlines()
    ends = f"the stream ends: {part} met an error (ProgrammingError)"
    # What tells panels may meet the missing table, too, in a process of its own.
    [line] = [json.loads(line) for line in said if '"critical"' in line and ends in line]
    assert line["trace"][0].startswith("threading.py:")
    assert [line for line in said if line.startswith("error: ")] == said[-1:]
    with engine.begin() as connection:
        connection.execute(sa.text(f"alter table gone rename to {table}"))
    with running(worker):
        wait_until(
            lambda: count(engine, "ev_session", "source_session_id = 'S-2'"), within_s=WITHIN_S
        )
    assert count(engine, "ev_session", f"source = '{charger.name}'") == (
        2 if part == "teller" else 1
    )
