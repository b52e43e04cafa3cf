"""Period reports asked for in a message: the bytes of a question to the bytes of its answer.

What lives here: reading the question, and errors as answers. What does not: the report
(`period_report`), and how messages come and go (`messaging`).
"""

import json
from typing import Any, Final

import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.periods import Period, PeriodError, read_period
from ev_pipeline.panels.envelope import encode
from ev_pipeline.panels.period_report import report_period
from ev_pipeline.settings import Settings

MAX_REQUEST_BYTES: Final = 4_096
"""A question has four short fields; whatever is longer is none."""

MAX_STATION_CHARACTERS: Final = 255
"""The longest id that OCPP and OCPI give a charger is far below."""

_EXAMPLE: Final = '{"query": "period", "from": "2018-01-01", "to": "2018-03-31"}'


def answer_request(engine: sa.Engine, settings: Settings, payload: bytes) -> bytes:
    """The report that the payload asks for, or what is wrong with the question.

    A database that fails is no answer: its error is raised, and the question can be asked again.
    """
    try:
        period, station_id = read_request(payload, settings)
        return encode(report_period(engine, settings, period, station_id))
    except PeriodError as error:
        return encode({"error": {"code": error.code, "message": str(error)}})
    except PipelineError as error:
        return encode({"error": {"code": "not_ready", "message": str(error)}})


def read_request(payload: bytes, settings: Settings) -> tuple[Period, str | None]:
    """The period and the station, null for all, that the payload asks for.

    Raises:
        PeriodError: it asks for nothing that can be answered.
    """
    question = _read_object(payload)
    if question.get("query") != "period":
        raise PeriodError("unknown_query", "the query is not 'period'", mend=f"ask like {_EXAMPLE}")
    period = read_period(question.get("from"), question.get("to"), settings.zone)
    return period, read_station(question.get("station_id"))


def read_station(station_id: object) -> str | None:
    """The station that is asked for; null for all.

    Raises:
        PeriodError: `bad_station`: no station can have such an id.
    """
    if station_id is None:
        return None
    if isinstance(station_id, str) and 0 < len(station_id) <= MAX_STATION_CHARACTERS:
        is_storable = "\x00" not in station_id and not any(
            "\ud800" <= character <= "\udfff" for character in station_id
        )
        if is_storable:
            return station_id
    raise PeriodError(
        "bad_station",
        "'station_id' is no station's id",
        mend="name a station as its sessions do, or leave it out",
    )


def _read_object(payload: bytes) -> dict[str, Any]:
    mend = f"ask like {_EXAMPLE}"
    if len(payload) > MAX_REQUEST_BYTES:
        raise PeriodError("bad_request", "the question is too long", mend=mend)
    try:
        question = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise PeriodError("bad_request", "the question is not JSON", mend=mend) from error
    if not isinstance(question, dict):
        raise PeriodError("bad_request", "the question is not a JSON object", mend=mend)
    return question
