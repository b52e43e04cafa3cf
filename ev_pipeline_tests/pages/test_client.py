"""The client that docs/connect.md shows delivers to a real broker, or says that it could not."""

import json
from pathlib import Path

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.login import Login
from ev_pipeline_tests.messaging.listening import listening
from ev_pipeline_tests.pages.programs import run_program
from ev_pipeline_tests.running_broker import RunningBroker

SESSIONS = [json.dumps({"session_id": f"s-{number}"}) for number in range(3)]


def environment_of(login: Login) -> dict[str, str]:
    return {
        "EV_MQTT_HOST": login.host,
        "EV_MQTT_PORT": str(login.port),
        "EV_MQTT_USERNAME": login.username,
        "EV_MQTT_PASSWORD": login.password,
        "EV_MQTT_CA_FILE": str(login.ca_file),
    }


def test_what_it_is_given_arrives(tmp_path: Path, broker: RunningBroker) -> None:
    login = broker.add_charger()
    with listening(broker.login("stream"), topics.sessions(login.username)) as worker:
        done = run_program(tmp_path, "send.py", SESSIONS, environment_of(login))
        assert done.returncode == 0, done.stderr
        assert [worker.take().payload.decode() for _ in SESSIONS] == SESSIONS


def test_where_nobody_listens_it_fails_and_says_so(
    tmp_path: Path, own_broker: RunningBroker
) -> None:
    done = run_program(tmp_path, "send.py", SESSIONS, environment_of(own_broker.add_charger()))
    assert done.returncode == 1
    assert "not taken" in done.stderr
