"""Simulators as processes, and what a subscriber in the worker's place hears of them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.client import Client
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.messages import Message
from ev_pipeline.messaging.session import Session
from ev_pipeline.settings import ENV_PREFIX
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until

WITHIN_S = 60
"""By when a simulator must have ended, s."""

ONLINE = Path(__file__).parents[2] / "data" / "online_sessions.csv"
"""500 sessions of the sample, without faults."""


@dataclass(frozen=True)
class Simulator:
    """How to start simulators of one charger.

    Args:
        login: the charger.
        home: an `EV_HOME`, where outboxes are.
    """

    login: Login
    home: Path

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A simulator that runs; it holds nothing that is accepted, unless it is told to."""
        hold = () if "--hold" in words else ("--hold", "0")
        return subprocess.Popen(
            [sys.executable, "-m", "simulator", *words, *hold, "--json"],
            env=self._environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *words: str) -> dict[str, Any]:
        """What a simulator says in the end that has done its work."""
        return summary(self.start(*words))

    def failing(self, *words: str) -> str:
        """What a simulator says that cannot do it: one line."""
        simulator = self.start(*words)
        _, told = simulator.communicate(timeout=WITHIN_S)
        assert simulator.returncode == 1, told
        return told.splitlines()[-1]

    def _environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
        return own | {
            "EV_HOME": str(self.home),
            "EV_MQTT_HOST": self.login.host,
            "EV_MQTT_PORT": str(self.login.port),
            "EV_MQTT_USERNAME": self.login.username,
            "EV_MQTT_PASSWORD": self.login.password,
            "EV_MQTT_CA_FILE": str(self.login.ca_file),
        }


def summary(simulator: subprocess.Popen[str]) -> dict[str, Any]:
    """What it says when it has ended without an error."""
    said, told = simulator.communicate(timeout=WITHIN_S)
    assert simulator.returncode == 0, told
    document: dict[str, Any] = json.loads(said)
    return document


@dataclass
class Heard:
    """What came, in order, acknowledged."""

    messages: list[Message] = field(default_factory=list)

    def wait_for(self, n: int) -> None:
        """So many have come."""
        wait_until(lambda: len(self.messages) >= n, within_s=WITHIN_S)

    def documents(self) -> list[dict[str, Any]]:
        """What those said that can be read."""
        documents = []
        for message in self.messages:
            try:
                documents.append(json.loads(message.payload))
            except ValueError:  # damaged on purpose
                continue
        return documents

    def ids(self) -> list[str]:
        """The ids of the sessions that they were about."""
        return [document["session_id"] for document in self.documents()]


@contextmanager
def hearing(broker: RunningBroker, *accounts: str, client_id: str | None = None) -> Iterator[Heard]:
    """Within, whatever the accounts report is heard, in a durable session like the worker's."""
    heard = Heard()
    client: Client

    def take(message: Message) -> None:
        heard.messages.append(message)
        client.acknowledge(message)

    session = Session(
        client_id=client_id or broker.new_session_id(),
        expiry_s=600,
        topics=[topics.sessions(account) for account in accounts],
        on_message=take,
    )
    client = Client(broker.login("stream"), session)
    with client:
        client.wait_connected(WITHIN_S)
        yield heard


def replayed(*words: str, file: Path = ONLINE, source: str = "canonical") -> Sequence[str]:
    """The words of a `replay` of the sample."""
    return ["replay", str(file), "--source", source, *words]
