"""What a broker has accepted is kept until it has answered what was asked later."""

import time

from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.session import Session
from simulator.sending.kept import Kept
from simulator.sending.line import HOLD_S, Line
from simulator.sending.mishaps import Kind

NOWHERE = Login("127.0.0.1", 1, "nobody", "")


def test_an_answer_that_waited_to_be_heard_lets_go_of_nothing_that_was_accepted_meanwhile() -> None:
    line = Line(Client(NOWHERE, Session()), HOLD_S)
    asked_at = time.monotonic()
    message = Kept(1, 1, "run", "name", Kind.PLAIN, None, b"{}")
    line.hold(message)
    accepted_by = time.monotonic()
    assert line.safe(asked_at) == []  # however late it is heard
    assert line.safe(asked_at + HOLD_S) == []
    assert [kept.name for kept in line.safe(accepted_by + HOLD_S)] == ["name"]
    assert line.safe(accepted_by + HOLD_S) == []
