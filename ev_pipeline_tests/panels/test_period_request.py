"""Questions as messages: any bytes get an answer, and a bad one says what is wrong with it."""

import contextlib
import json
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
from hypothesis import strategies as st

from ev_pipeline.domain.periods import PeriodError
from ev_pipeline.panels.period_request import answer_request, read_request
from ev_pipeline.settings import Settings
from ev_pipeline_tests.intake.files import a_session
from ev_pipeline_tests.intake.loader import Loader

QUESTION = {"query": "period", "from": "2024-05-06", "to": "2024-05-06", "station_id": None}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "bad_request"),
        (b"\xff\xfe", "bad_request"),
        (b"[" * 4000, "bad_request"),
        (b"9" * 4096, "bad_request"),
        (b'{"query": "period"}' + b" " * 5000, "bad_request"),
        (b"[1]", "bad_request"),
        ({**QUESTION, "query": "drop"}, "unknown_query"),
        ({**QUESTION, "query": ["period"]}, "unknown_query"),
        ({**QUESTION, "from": None}, "missing_date"),
        ({**QUESTION, "from": {}}, "bad_date"),
        ({**QUESTION, "to": "2024-05-05"}, "wrong_order"),
        ({**QUESTION, "to": "2199-12-31"}, "too_long"),
        ({**QUESTION, "station_id": 7}, "bad_station"),
        ({**QUESTION, "station_id": ""}, "bad_station"),
        ({**QUESTION, "station_id": "A\x00"}, "bad_station"),
        ({**QUESTION, "station_id": "\ud800"}, "bad_station"),
        ({**QUESTION, "station_id": "x" * 256}, "bad_station"),
        ({**QUESTION, "station_id": "nowhere"}, "unknown_station"),
    ],
)
def test_a_question_that_cannot_be_answered_is_told_why(
    engine: sa.Engine, settings: Settings, payload: Any, code: str
) -> None:
    sent = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    error = json.loads(answer_request(engine, settings, sent))["error"]
    assert error["code"] == code
    assert error["message"]
    assert "\n" not in error["message"]


@hypothesis.settings(deadline=None)
@hypothesis.given(
    payload=st.one_of(
        st.binary(),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(),
            lambda parts: st.lists(parts) | st.dictionaries(st.sampled_from([*QUESTION]), parts),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_any_bytes_are_a_question_or_told_why_not(payload: bytes) -> None:
    with contextlib.suppress(PeriodError):
        read_request(payload, Settings())


def test_a_station_is_asked_for_by_its_id(
    engine: sa.Engine, settings: Settings, load: Loader
) -> None:
    load(a_session(), a_session(session_id="S2", station_id="<img onerror=…>", energy_kwh=1))
    question = json.dumps({**QUESTION, "station_id": "<img onerror=…>"}).encode()
    answer = json.loads(answer_request(engine, settings, question))
    assert (answer["n_sessions"], answer["total_energy_kwh"]) == (1, 1.0)


def test_days_of_another_zone_are_an_error_that_says_so(
    engine: sa.Engine, settings: Settings, load: Loader
) -> None:
    load(a_session())
    elsewhere = settings.model_copy(update={"timezone": "Asia/Tokyo"})
    error = json.loads(answer_request(engine, elsewhere, json.dumps(QUESTION).encode()))["error"]
    assert error["code"] == "not_ready"
    assert "ev-pipeline migrate" in error["message"]
