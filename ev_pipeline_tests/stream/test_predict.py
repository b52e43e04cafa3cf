"""Labels asked for in a message are those that the sessions get when they are then sent."""

import csv
import json
import uuid
from itertools import islice
from typing import Any

import sqlalchemy as sa

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.login import Login
from ev_pipeline.settings import Settings
from ev_pipeline.stream.running import Stream
from ev_pipeline_tests.messaging.listening import WITHIN_S, Listener, listening
from ev_pipeline_tests.panels.schemas import problems
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.storage.sample import SESSIONS
from ev_pipeline_tests.stream.streams import (
    Charger,
    a_session,
    charging,
    count,
    running_stream,
    streaming_settings,
)

N_SESSIONS = 300

FILLED = ("ev_session", "ev_session_change", "ev_session_label", "ev_station", "ev_quarantine")
"""Tables that a session fills when it is sent."""


def asked(asker: Listener, login: Login, payload: object) -> dict[str, Any]:
    """The answer to the account's question, which is what its schema says."""
    correlation = uuid.uuid4().bytes
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    sent = asker.client.publish(
        topics.predict_requests(login.username),
        raw,
        response_topic=f"ev/answers/{login.username}/1",
        correlation=correlation,
    )
    assert sent.result(WITHIN_S).is_accepted
    answer = asker.take()
    assert answer.correlation == correlation
    assert problems("predict_answer", answer.payload) == []
    document: dict[str, Any] = json.loads(answer.payload)
    return document


def sample_rows() -> list[dict[str, Any]]:
    """Rows of the shipped sample, faulty ones too, on connectors where nobody has charged."""
    with SESSIONS.open(newline="") as file:
        rows = list(islice(csv.DictReader(file), N_SESSIONS))
    return [
        {**row, "connector_id": f"new {row['connector_id']}", "session_id": f"new {number}"}
        for number, row in enumerate(rows)
    ]


def stored_labels(engine: sa.Engine, origin: str) -> dict[str, dict[str, Any]]:
    """What is stored of the account's sessions, by id."""
    statement = sa.text(
        "select session_id::text, source_session_id, kmeans_cluster, cluster_name, dbscan_cluster,"
        " anomaly_score, is_anomaly, anomaly_reasons, quality_codes"
        " from ev_session_labelled where source = :origin and model_version is not null"
    )
    with engine.connect() as connection:
        rows = connection.execute(statement, {"origin": origin}).mappings()
        return {row["session_id"]: dict(row) for row in rows}


def refused_reasons(engine: sa.Engine, origin: str) -> list[list[str]]:
    """The codes of what was refused from the account, sorted."""
    statement = sa.text("select codes from ev_quarantine where origin = :origin")
    with engine.connect() as connection:
        return sorted(connection.execute(statement, {"origin": origin}).scalars())


def test_the_labels_told_are_the_labels_stored_when_the_sessions_are_then_sent(
    engine: sa.Engine, broker: RunningBroker, stream: Stream, champion: str
) -> None:
    assert stream.is_up
    rows = sample_rows()
    with charging(broker, scope="sample") as charger:
        before = {table: count(engine, table) for table in (*FILLED, "ev_ledger")}
        with listening(charger.login, topics.answers(charger.name)) as asker:
            answer = asked(asker, charger.login, rows)
        assert {table: count(engine, table) for table in before} == before
        charger.send(rows)
        received = f"source = '{charger.name}' and received = {N_SESSIONS}"
        wait_until(lambda: count(engine, "ev_ledger", received) == 1, within_s=WITHIN_S)
        origin = charger.name
    assert answer["model_version"] == champion
    told = answer["predictions"]
    assert [each.get("source_session_id") for each in told] == [row["session_id"] for row in rows]
    accepted = {each["session_id"]: each for each in told if "reasons" not in each}
    stored = stored_labels(engine, origin)
    assert len(stored) > N_SESSIONS / 2
    assert {
        session_id: {name: each[name] for name in stored[session_id]}
        for session_id, each in accepted.items()
    } == stored
    refused = [each["reasons"] for each in told if "reasons" in each]
    assert refused
    assert refused_reasons(engine, origin) == sorted(
        [reason["code"] for reason in reasons] for reasons in refused
    )
    assert any(each["is_anomaly"] for each in accepted.values())


def test_an_account_asks_in_the_words_of_its_mapping(
    engine: sa.Engine, broker: RunningBroker, stream: Stream
) -> None:
    assert stream.is_up
    row = {
        "Charging event": "E-1",
        "CP ID": "50911",
        "Connector": "1",
        "Start Date": "05/03/2018",
        "Start Time": "01:00",
        "End Date": "05/03/2018",
        "End Time": "03:00",
        "Total kWh": "5",
        "Cost": "",
        "Site": "Queen Street",
    }
    with (
        charging(broker, source="dundee") as charger,
        listening(charger.login, topics.answers(charger.name)) as asker,
    ):
        one = asked(asker, charger.login, row)["predictions"]
    assert [each["source_session_id"] for each in one] == ["E-1"]
    assert count(engine, "ev_session", "station_id = '50911'") == 0


def test_hostile_questions_are_answered_and_hold_up_nobody(
    engine: sa.Engine, broker: RunningBroker, stream: Stream, charger: Charger
) -> None:
    assert stream.is_up
    hostile = [b"\xff", b"[" * 5000, b"[1e999, NaN, null]", b'{"data": {"\\ud800": "\\u0000"}}']
    with listening(charger.login, topics.answers(charger.name)) as asker:
        for payload in hostile:
            answer = asked(asker, charger.login, payload)
            assert all(each["reasons"] for each in answer["predictions"])
        many = asked(asker, charger.login, [{}] * 501)
        assert many["error"]["code"] == "too_many"
        good = asked(asker, charger.login, a_session("S-1"))
    assert good["predictions"][0]["decision"] == "stored"
    assert count(engine, "ev_quarantine") == 0


def test_without_a_champion_a_question_has_an_error_with_the_mend(
    engine: sa.Engine, settings: Settings, broker: RunningBroker
) -> None:
    with (
        running_stream(engine, streaming_settings(settings, broker)),
        charging(broker) as charger,
        listening(charger.login, topics.answers(charger.name)) as asker,
    ):
        answer = asked(asker, charger.login, a_session("S-1"))
    assert answer["error"]["code"] == "no_champion"
    assert "ev-pipeline run retrain" in answer["error"]["message"]
