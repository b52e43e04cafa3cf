"""What is tried with all services in their rooms: `python -m … WORK`, within its own namespaces.

What lives here: the steps; what came of them is written to `WORK/result.json`. What does not: the
rooms, or what is expected (`test_in_plain_processes`).
"""

import json
import socket
import ssl
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psycopg2
from sqlalchemy.engine import make_url

from ev_pipeline.stack.mosquitto import find_mosquitto
from ev_pipeline_tests.containers.compose_file import services
from ev_pipeline_tests.containers.rooms import HOMES, Rooms
from ev_pipeline_tests.house.repository import ROOT

ORDER: Final = (
    *("init", "postgres", "mosquitto", "prepare", "code", "stream", "dagster-webserver"),
    *("dagster-daemon", "nodered", "simulator", "proxy"),
)

WITHIN_S: Final = 120

SESSION: Final = {
    "session_id": "room-1",
    "station_id": "CP-0001",
    "connector_id": "1",
    "user_id": "U-1",
    "charging_duration_h": 1.47,
    "energy_kwh": 12.4,
}

_LABEL: Final = """
SELECT l.labelled_by FROM ev_session s JOIN ev_session_label l USING (session_id)
WHERE s.source_session_id = %s
"""

_USER: Final = "SELECT user_id FROM ev_session WHERE source_session_id = %s"


def main(work: Path, programs: list[str]) -> None:
    """Every service works, and a charger's session gets its label."""
    rooms = Rooms(work, services(), programs)
    rooms.furnish()
    result: dict[str, Any] = {"seconds": {}}
    begun = time.monotonic()
    for name in ORDER:
        rooms.start(name)
        result["seconds"][name] = round(time.monotonic() - begun, 1)
    for name in ("stream", "dagster-daemon", "simulator", "proxy"):
        rooms.await_healthy(name)
    result["seconds"]["all healthy"] = round(time.monotonic() - begun, 1)
    for arguments in (
        ("load", "canonical_stations", str(ROOT / "data/stations.csv")),
        ("load", "canonical", str(ROOT / "data/sessions.csv")),
        ("run", "retrain"),
    ):
        done = rooms.run("cli", *arguments)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
    added = rooms.run("cli", "accounts", "add", "depot-7", "--json")
    result["account"] = json.loads(added.stdout or "{}") or added.stderr
    _report(work, "room-1")
    result["labelled_by"] = _await(lambda: _found(work, _LABEL, "room-1"))
    result["seconds"]["labelled"] = round(time.monotonic() - begun, 1)
    result["serial"] = [_serial(work)]
    renewed = rooms.run("cli", "certificates", "renew", "--json")
    result["renewed"] = json.loads(renewed.stdout or "{}") or renewed.stderr
    _await(lambda: _serial(work) != result["serial"][0])
    result["restarts"] = [name for name in ORDER[3:] if _has_ended(rooms, name)]
    result["proxy"] = _pages(work)
    result["again"] = rooms.run("init", "containers", "init").returncode
    result["forgotten"] = _forget(rooms, work)
    result["restored"] = _bring_back(rooms, work)
    result["seconds"]["brought back"] = round(time.monotonic() - begun, 1)
    (work / "result.json").write_text(json.dumps(result))


def _forget(rooms: Rooms, work: Path) -> Any:
    """The user of what is reported after the user was forgotten; it is stored all the same."""
    done = rooms.run("cli", "forget", "U-1", "--yes")
    assert done.returncode == 0, done.stderr
    _report(work, "room-2")
    _await(lambda: _found(work, _LABEL, "room-2"))
    return _found(work, _USER, "room-2")


def _bring_back(rooms: Rooms, work: Path) -> Any:
    """The label before a backup, the same in services made anew of it, and a forgotten user there.

    The charger reports to them once more.
    """
    labelled_by = _found(work, _LABEL, "room-1")
    volumes, before, backup = work / "volumes", work / "volumes-before", "outbox/backup"
    done = rooms.run("cli", "backup", f"{HOMES}/{backup}")
    assert done.returncode == 0, done.stderr
    rooms.stop()
    volumes.rename(before)
    volumes.mkdir(mode=0o755)
    for name in ("init", "postgres"):
        rooms.start(name)
    rooms.await_healthy("postgres")
    subprocess.run(["cp", "-a", before / backup, volumes / backup], check=True)
    done = rooms.run("cli", "restore", f"{HOMES}/{backup}", "--replace", "--yes")
    assert done.returncode == 0, done.stderr
    rooms.stop()
    for name in ORDER[: ORDER.index("stream") + 1]:
        rooms.start(name)
    rooms.await_healthy("stream")
    _report(work, "room-3", login=_credentials(before, "depot-7"))
    _await(lambda: _found(work, _LABEL, "room-3"))
    return [labelled_by, _found(work, _LABEL, "room-1"), _found(work, _USER, "room-3")]


def _has_ended(rooms: Rooms, name: str) -> bool:
    return name != "prepare" and rooms.running[name].poll() is not None


def _credentials(volumes: Path, name: str) -> dict[str, str]:
    text = (volumes / "home" / "credentials" / f"{name}.env").read_text()
    return dict(line.split("=", 1) for line in text.splitlines())


def _authority(work: Path) -> str:
    return str(work / "volumes" / "home" / "certificates" / "ca.crt")


def _report(work: Path, session_id: str, *, login: dict[str, str] | None = None) -> None:
    """A charger of its own account reports one session, as docs/operate.md says."""
    login = login or _credentials(work / "volumes", "depot-7")
    times = {"started_at": f"2026-05-0{session_id[-1]}T08:12:00+01:00"}
    times["ended_at"] = times["started_at"].replace("T08", "T10")
    program = str(find_mosquitto(None, account=None).with_name("mosquitto_pub"))
    command = [program, "-V", "5", "-q", "1", "-h", login["EV_MQTT_HOST"]]
    command += ["-p", login["EV_MQTT_PORT"], "--cafile", _authority(work)]
    command += ["-u", login["EV_MQTT_USERNAME"], "-P", login["EV_MQTT_PASSWORD"]]
    command += [
        "-t",
        "ev/sessions/depot-7",
        "-m",
        json.dumps({**SESSION, **times, "session_id": session_id}),
    ]
    subprocess.run(command, check=True)


def _found(work: Path, query: str, session_id: str) -> str | None:
    url = make_url(_credentials(work / "volumes", "database-reader")["EV_DATABASE_URL"])
    url = url.set(drivername="postgresql").update_query_dict({"sslrootcert": _authority(work)})
    with closing(psycopg2.connect(url.render_as_string(hide_password=False))) as connection:
        cursor = connection.cursor()
        cursor.execute(query, (session_id,))
        row = cursor.fetchone()
    return row[0] if row else None


def _serial(work: Path) -> str:
    context = ssl.create_default_context(cafile=_authority(work))
    with (
        socket.create_connection(("mosquitto", 8883)) as plain,
        context.wrap_socket(plain, server_hostname="mosquitto") as secured,
    ):
        return str((secured.getpeercert() or {})["serialNumber"])


def _pages(work: Path) -> dict[str, int]:
    login = _credentials(work / "volumes", "proxy")
    pair = f"{login['EV_PROXY_USERNAME']}:{login['EV_PROXY_PASSWORD']}"
    paths = ("/ui/", "/ev/icon.svg", "/server_info")
    found = {f"{path} without": _status(path, {}) for path in paths}
    basic = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    return {**found, **{path: _status(path, basic) for path in paths}}


def _status(path: str, headers: dict[str, str]) -> int:
    """Asked by curl, since the proxy's own authority is in no file that others read."""
    command = ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}"]
    command += [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    asked = subprocess.run(
        [*command, f"https://localhost:8443{path}"], capture_output=True, text=True, check=False
    )
    return int(asked.stdout or 0)


def _await(ask: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WITHIN_S
    while not (found := ask()):
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.5)
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
