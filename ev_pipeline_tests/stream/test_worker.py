"""From a charger's message to what is stored, labelled, refused and told."""

import hashlib
import json
from typing import Any

import sqlalchemy as sa

from ev_pipeline.messaging import topics
from ev_pipeline.settings import Settings
from ev_pipeline.stream.running import Stream
from ev_pipeline_tests.messaging.listening import Listener
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stream.accounts import await_received, ledger
from ev_pipeline_tests.stream.streams import (
    ENDED_AT,
    Charger,
    a_session,
    charging,
    count,
    dashboard,
    running_stream,
    streaming_settings,
)


def live_with(listener: Listener, source_session_id: str) -> dict[str, Any]:
    """The session as the live panel shows it, once it does."""
    while True:
        panel = json.loads(listener.take().payload)
        for session in panel["data"]:
            if session["source_session_id"] == source_session_id:
                found: dict[str, Any] = session
                return found


def test_a_session_is_stored_with_its_label_and_shown_at_once(
    engine: sa.Engine, broker: RunningBroker, charger: Charger, champion: str
) -> None:
    with dashboard(broker, topics.panel("live")) as screen:
        charger.send(a_session("S-1"))
        shown = live_with(screen, "S-1")
    with engine.connect() as connection:
        stored = (
            connection.execute(
                sa.text("select * from ev_session_labelled where source_session_id = 'S-1'")
            )
            .mappings()
            .one()
        )
    assert stored["door"] == "stream"
    assert stored["source"] == charger.name
    assert stored["model_version"] == champion
    assert stored["labelled_by"] == "stream"
    assert shown["session_id"] == str(stored["session_id"])
    assert shown["kmeans_cluster"] == stored["kmeans_cluster"]
    assert "user_id" not in shown


def test_a_session_sent_twice_is_stored_once(engine: sa.Engine, charger: Charger) -> None:
    charger.send(a_session("S-1"))
    charger.send(a_session("S-1"))
    assert await_received(engine, charger.name, 2) == (2, 1, 0, 1, 0)
    assert count(engine, "ev_session", "source_session_id = 'S-1'") == 1


def test_a_correction_replaces_its_session_and_its_label(
    engine: sa.Engine, charger: Charger
) -> None:
    charger.send(a_session("S-1", updated_at="2026-01-01T00:00:00Z"))
    charger.send(a_session("S-1", updated_at="2026-01-02T00:00:00Z", energy_kwh=20))
    assert await_received(engine, charger.name, 2) == (2, 1, 1, 0, 0)
    labelled = "session_id = (select session_id from ev_session where source_session_id = 'S-1')"
    assert count(engine, "ev_session_label", labelled) == 1
    assert count(engine, "ev_session_label", f"{labelled} and session_revision = 2") == 1


def test_whoever_sends_rubbish_is_told_and_holds_up_nobody(
    engine: sa.Engine, charger: Charger
) -> None:
    charger.send(b"\xff not JSON")
    charger.send([a_session("S-1"), a_session("S-2", energy_kwh=-1), 7])
    told = [charger.next_rejection() for _ in range(3)]
    assert await_received(engine, charger.name, 4) == (4, 1, 0, 0, 3)
    assert [reason["code"] for each in told for reason in each["reasons"]] == [
        "malformed",
        "no_energy",
        "malformed",
    ]
    assert told[0]["payload_sha256"] == hashlib.sha256(b"\xff not JSON").hexdigest()
    assert told[0]["topic"] == topics.sessions(charger.name)
    assert told[1]["source_session_id"] == "S-2"
    known_by = f"raw_sha256 = '{told[0]['payload_sha256']}' and header_sha256 is null"
    assert count(engine, "ev_quarantine", f"origin = '{charger.name}' and {known_by}") == 1


def test_an_unfinished_session_is_settled_by_the_finished_one(
    engine: sa.Engine, charger: Charger
) -> None:
    charger.send(a_session("S-1", ended_at=None, energy_kwh=None))
    assert charger.next_rejection()["reasons"][0]["code"] == "not_finished"
    charger.send(a_session("S-1"))
    assert await_received(engine, charger.name, 2) == (2, 1, 0, 0, 1)
    assert count(engine, "ev_quarantine", "state = 'superseded'") == 1


def test_a_row_without_times_is_known_by_its_message_id(
    engine: sa.Engine, charger: Charger
) -> None:
    row = {
        "Vehicle Model": "X",
        "Battery Capacity (kWh)": "60",
        "Charging Station ID": "S1",
        "Energy Consumed (kWh)": "12.5",
        "Charging Duration (hours)": "1.5",
        "Charging Rate (kW)": "8.3",
        "Charging Cost (EUR)": "4.1",
        "Time of Day": "Evening",
        "Day of Week": "Monday",
        "State of Charge (Start %)": "20",
        "State of Charge (End %)": "60",
        "Distance Driven (since last charge) (km)": "100",
        "Temperature (C)": "14",
        "Vehicle Age (years)": "2",
    }
    for message_id in ("m-1", "m-1", "m-2"):
        charger.send(row, message_id=message_id)
    assert await_received(engine, charger.name, 3) == (3, 2, 0, 1, 0)
    assert count(engine, "ev_session", "'time_assigned' = any(quality_codes)") == 2


def test_an_account_is_read_by_its_mapping_and_reports_for_its_operator(
    engine: sa.Engine, broker: RunningBroker, stream: Stream
) -> None:
    assert stream.is_up
    started = ENDED_AT.replace(hour=1)
    row = {
        "Charging event": "E-1",
        "CP ID": "50911",
        "Connector": "1",
        "Start Date": f"{started:%d/%m/%Y}",
        "Start Time": "01:00",
        "End Date": f"{started:%d/%m/%Y}",
        "End Time": "00:00",
        "Total kWh": "5",
        "Cost": "",
        "Site": "Queen Street",
    }
    with charging(broker, source="dundee", scope="elsewhere") as charger:
        charger.send(row)
        assert charger.next_rejection()["reasons"][0]["code"] == "no_duration"
    assert count(engine, "ev_quarantine", "scope = 'elsewhere' and station_id = '50911'") == 1


def test_what_came_while_the_worker_was_away_is_stored_when_it_is_back(
    engine: sa.Engine, settings: Settings, broker: RunningBroker
) -> None:
    streaming = streaming_settings(settings, broker)
    with running_stream(engine, streaming), charging(broker) as charger:
        charger.send(a_session("S-1"))
        await_received(engine, charger.name, 1)
    with charging(broker) as charger:
        for number in range(20):
            charger.send(a_session(f"away-{number}", connector_id=str(number)))
        assert ledger(engine, charger.name)[0] == 0
        with running_stream(engine, streaming):
            assert await_received(engine, charger.name, 20) == (20, 20, 0, 0, 0)


def test_without_a_champion_sessions_are_stored_without_labels(
    engine: sa.Engine, settings: Settings, broker: RunningBroker
) -> None:
    with (
        running_stream(engine, streaming_settings(settings, broker)),
        charging(broker) as charger,
    ):
        charger.send(a_session("S-1"))
        await_received(engine, charger.name, 1)
    assert count(engine, "ev_session_labelled", "model_version is null") == 1
