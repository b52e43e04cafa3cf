"""Dagster's own place in a local stack: its two files, its environment, its probes.

What lives here: what code server, webserver and daemon need. What does not: definitions.
"""

import http.client
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import psycopg2

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import ENV_PREFIX, LOGIN
from ev_pipeline.stack.credentials import DAGSTER, HOST, Credentials
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.process import python_module
from ev_pipeline.stack.shipped import shipped_file

CODE: Final = "code"
"""The service that has the definitions in memory and runs the jobs."""

WEBSERVER: Final = "dagster-webserver"
DAEMON: Final = "dagster-daemon"

CODE_SOCKET: Final = "code.sock"

SOCKET_PATH_BYTES: Final = 107
"""How long the path of a Unix socket may be on Linux."""

LOCATION: Final = "ev_pipeline"
"""The code location, as `workspace.yaml` and `infra/code-location.yaml` name it."""

INSTANCE_FILE: Final = "dagster.yaml"
WORKSPACE_FILE: Final = "workspace.yaml"

PROBE_TIMEOUT_S: Final = 5
"""How long one probe may take, s; loading definitions is not part of it."""

HEARTBEAT_MAX_AGE_S: Final = 180
"""Dagster's daemons say every 30 s that they live; six times that is not a hiccup, s."""

DAEMONS: Final = frozenset({"SCHEDULER", "SENSOR", "QUEUED_RUN_COORDINATOR", "MONITORING"})
"""The daemons without which nothing would run."""

PASSED_ON: Final = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "PYTHONPATH", "OMP_NUM_THREADS"}
)
"""Variables of ours that Dagster's processes may see, beside those of this project."""

_LOCATIONS_QUERY: Final = """
{ workspaceOrError {
    ... on PythonError { message }
    ... on Workspace { locationEntries { loadStatus locationOrLoadError {
      ... on PythonError { className message causes { message } } } } } } }
"""

UNREACHABLE: Final = "DagsterUserCodeUnreachableError"
"""What Dagster says while the process that loads the definitions is busy or being replaced."""


def place_instance(layout: Layout) -> None:
    """`DAGSTER_HOME` holds this version's `dagster.yaml`."""
    (layout.dagster / INSTANCE_FILE).write_text(shipped_file(INSTANCE_FILE).read_text())


def place_workspace(layout: Layout, listens_at: Path) -> None:
    """`DAGSTER_HOME` says where webserver and daemon find the definitions.

    Args:
        layout: the stack's places.
        listens_at: where the code server listens.
    """
    location = {"socket": str(listens_at), "location_name": LOCATION}
    (layout.dagster / WORKSPACE_FILE).write_text(
        "# Written by `ev-pipeline up`: the definitions are in its code server's memory.\n"
        f"load_from:\n  - grpc_server: {json.dumps(location)}\n"
    )


@contextmanager
def code_socket(layout: Layout) -> Iterator[Path]:
    """Within, where the code server is to listen: nobody else enters the directory.

    It is the stack's own, or a temporary one where that path is too long for a socket.
    """
    usual = layout.run / CODE_SOCKET
    if len(os.fsencode(usual)) <= SOCKET_PATH_BYTES:
        yield usual
        return
    with TemporaryDirectory(prefix="ev-code-") as private:
        yield Path(private) / CODE_SOCKET


def code_server(*options: str) -> list[str]:
    """The command that starts it; its environment names `DAGSTER_HOME` and Dagster's database.

    Args:
        options: of `dagster api grpc`: where it listens.
    """
    return python_module(
        *("ev_pipeline.stack.code_server", "--module-name", "ev_pipeline.definitions"),
        *("--location-name", LOCATION, "--empty-working-directory", *options),
    )


def environment(
    layout: Layout, credentials: Credentials, ours: Mapping[str, str]
) -> dict[str, str]:
    """The variables of Dagster's processes.

    Args:
        layout: the stack's places.
        credentials: the local database's; what the environment names goes before them.
        ours: the environment of this process.
    """
    callers_login = {ENV_PREFIX + name.upper() for name in LOGIN}
    kept = {
        name: value
        for name, value in ours.items()
        if name in PASSED_ON or (name.startswith((ENV_PREFIX, "LC_")) and name not in callers_login)
    }
    return {
        DAGSTER.variable: credentials.url(DAGSTER),
        **kept,
        "EV_HOME": str(layout.home),
        "DAGSTER_HOME": str(layout.dagster),
    }


def code_trouble(listens_at: Path) -> str | None:
    """Null where the code server answers, else why not; it does once it tried the definitions."""
    with closing(socket.socket(socket.AF_UNIX)) as probe:
        probe.settimeout(PROBE_TIMEOUT_S)
        try:
            probe.connect(str(listens_at))
        except OSError as error:
            return f"it does not answer ({error})"
    return None


def webserver_trouble(port: int) -> str | None:
    """Null where the webserver answers and has loaded the definitions, else why not.

    Raises:
        PipelineError: if the definitions cannot be loaded, however long one waits.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=PROBE_TIMEOUT_S)
    with closing(connection):
        try:
            connection.request(
                "POST",
                "/graphql",
                json.dumps({"query": _LOCATIONS_QUERY}),
                {"Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                return f"it answers {answer.status} {answer.reason}"
            return _locations_trouble(json.load(answer)["data"]["workspaceOrError"])
        except (OSError, http.client.HTTPException) as error:
            return f"it does not answer ({error})"


def daemon_trouble(url: str, started_at_s: float, now_s: float) -> str | None:
    """Null where Dagster's daemons reported since they were started, and lately, else why not.

    Args:
        url: Dagster's database, a libpq address.
        started_at_s: when the process was started, Unix time, s.
        now_s: Unix time, s.
    """
    try:
        with closing(psycopg2.connect(url, connect_timeout=PROBE_TIMEOUT_S)) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT daemon_type, body FROM daemon_heartbeats")
            beats = {kind: float(json.loads(body)["timestamp"]) for kind, body in cursor}
    except psycopg2.Error as error:
        return f"its heartbeats cannot be read ({str(error).strip().splitlines()[0]})"
    since_s = max(started_at_s, now_s - HEARTBEAT_MAX_AGE_S)
    silent = sorted(each for each in DAEMONS if beats.get(each, 0) < since_s)
    return f"no heartbeat from {', '.join(silent)}" if silent else None


def _locations_trouble(workspace: dict[str, Any]) -> str | None:
    if "locationEntries" not in workspace:
        return f"it has no workspace: {workspace.get('message', '')}"
    for entry in workspace["locationEntries"]:
        loaded = entry["locationOrLoadError"]
        if loaded is None or entry["loadStatus"] != "LOADED":
            return "it is loading the definitions"
        if loaded.get("className") == UNREACHABLE:
            return "the process that loads the definitions does not answer"
        if loaded.get("message"):
            innermost = [loaded["message"], *(cause["message"] for cause in loaded["causes"])][-1]
            reason = innermost.strip().splitlines()[0].partition(". ")[0]
            raise PipelineError(
                f"the definitions do not load: {reason}",
                mend=f"mend what they import, or see logs/{CODE}.log under EV_HOME",
            )
    return None


def libpq(url: str) -> str:
    """The same address for psycopg2 itself, which does not know SQLAlchemy's driver names."""
    return url.replace("+psycopg2", "", 1)
