"""What a broker has accepted is kept until it has answered what was asked later."""

import time
from dataclasses import replace

from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.session import Session
from simulator.sending.kept import Kept
from simulator.sending.line import HOLD_S, Line
from simulator.sending.mishaps import Kind

NOWHERE = Login("127.0.0.1", 1, "nobody", "")
MESSAGE = Kept(1, 1, "run", "name", Kind.PLAIN, None, b"{}")
ACCEPTED = replace(MESSAGE, is_accepted=True)


def test_an_answer_that_waited_to_be_heard_lets_go_of_nothing_that_was_accepted_meanwhile() -> None:
    line = Line(Client(NOWHERE, Session()), HOLD_S)
    asked_at = time.monotonic()
    assert line.meet(1) == line.hold(MESSAGE, 1) == []
    accepted_by = time.monotonic()
    assert line.safe(asked_at, 1) == []  # however late it is heard
    assert line.safe(asked_at + HOLD_S, 1) == []
    assert line.safe(accepted_by + HOLD_S, 1) == [ACCEPTED]
    assert line.safe(accepted_by + HOLD_S, 1) == []


def test_a_new_connection_lets_go_of_nothing_that_an_earlier_one_had_accepted() -> None:
    line = Line(Client(NOWHERE, Session()), HOLD_S)
    assert line.meet(1) == line.hold(MESSAGE, 1) == []
    long_after = time.monotonic() + 100
    assert line.safe(long_after, 3) == []
    assert line.meet(3) == [ACCEPTED]
    assert line.meet(3) == []
    assert line.hold(MESSAGE, 1) == [ACCEPTED]  # heard after the new connection was
    assert line.safe(long_after, 1) == line.safe(long_after, 3) == []
