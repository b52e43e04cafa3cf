"""A real simulator beside a test's stream, whose own account is held against what is stored.

What lives here: running it and comparing. What does not: chargers of the tests (`publishing`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from ev_pipeline.messaging.login import Login
from ev_pipeline_tests.intake.files import rows
from ev_pipeline_tests.simulator.simulators import WITHIN_S, Simulator, replayed, summary
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.accounts import STORED, STORED_WITHIN_S, ledger
from simulator.sending.line import HOLD_S

REFUSED = "select codes::text from ev_quarantine where origin = :account"


@contextmanager
def simulating(engine: sa.Engine, login: Login, home: Path) -> Iterator[None]:
    """Meanwhile a simulator reports; afterwards, what it says the broker has accepted is stored.

    Args:
        engine: the test's own way to the database.
        login: the simulator's account.
        home: where its outbox lies.
    """
    ids, simulator = home / "ids", Simulator(login, home)
    words = (*replayed("--rate", "50", "--duplicate", "0.1", "--loop"), "--hold", str(HOLD_S))
    with simulator.start(*words) as process:
        try:
            # A broker that does not answer at the start is an error, and later is not.
            wait_until(lambda: rows(engine, STORED, account=login.username), within_s=WITHIN_S)
            yield
            process.terminate()
            summary(process)
        finally:
            process.kill()
    told = simulator.run(*words, "--ids", str(ids), "--limit", "1")  # sends what it still has
    assert told["waiting"] == told["held"] == 0
    accepted, account = set(ids.read_text().split()), login.username
    assert told["distinct_sessions"] == len(accepted) > 0
    try:
        wait_until(
            lambda: accepted.issubset(rows(engine, STORED, account=account)),
            within_s=STORED_WITHIN_S,
        )
    except AssertionError:
        missing = sorted(accepted.difference(rows(engine, STORED, account=account)))
        refused = rows(engine, REFUSED, account=account)
        pytest.fail(f"{len(missing)} not stored, as {missing[:5]}; refused: {refused[:5]}")
    received, stored, updated, *_ = ledger(engine, account)
    assert received >= told["accepted"]
    assert (stored, updated) == (len(rows(engine, STORED, account=account)), 0)
