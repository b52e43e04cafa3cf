"""Whatever is killed at whatever moment, nothing that a charger was thanked for is lost."""

import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import sleep

import pytest
import sqlalchemy as sa

from ev_pipeline.messaging.durable import client_id, establish
from ev_pipeline.settings import Settings
from ev_pipeline.stack.credentials import OWNER
from ev_pipeline_tests.conftest import free_port
from ev_pipeline_tests.mortal_server import MortalServer, mortal_server
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stream.accounting import assert_accounted_for, wait_until_placed
from ev_pipeline_tests.stream.reporter import WITHIN_S, Reporter
from ev_pipeline_tests.stream.streams import streaming_settings
from ev_pipeline_tests.stream.worker_process import WorkerProcess, variables_of

MOMENT_S = (0.1, 1.5)
"""After how much of reporting something is killed, s."""

AWAY_S = (0.0, 0.5)
"""How long it is away, s."""


@pytest.fixture
def server(home: Path) -> Iterator[MortalServer]:
    """A server that may be killed."""
    with mortal_server(home) as server:
        yield server


@pytest.fixture
def settings(server: MortalServer, home: Path) -> Settings:
    """Settings of that server's database."""
    return Settings(
        home=home,
        database_url=server.url(OWNER.role, OWNER.database),
        postgres_port=server.cluster.port,
        dagster_port=free_port(),
    )


@dataclass
class Stack:
    """Everything that may be killed, each started again in this order."""

    server: MortalServer
    broker: RunningBroker
    worker: WorkerProcess

    @property
    def parts(self) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
        """How each is killed, and started again."""
        return {
            "postgres": (self.server.kill, self.server.start),
            "broker": (self.broker.kill, self.broker.start),
            "worker": (self.worker.kill, self.worker.start),
        }


@pytest.fixture
def stack(
    environment: dict[str, str],
    server: MortalServer,
    settings: Settings,
    own_broker: RunningBroker,
    tmp_path: Path,
) -> Iterator[Stack]:
    """The three, running."""
    streaming = streaming_settings(settings, own_broker)
    establish(own_broker.login("stream"), client_id(streaming))
    worker = WorkerProcess(variables_of(environment, streaming), tmp_path / "stream.log")
    worker.start()
    worker.wait_up()
    yield Stack(server, own_broker, worker)
    worker.kill()


def victims(chance: random.Random, killed: int) -> list[str]:
    """Each alone first, then any of them together."""
    names = ["postgres", "broker", "worker"]
    return [names[killed]] if killed < len(names) else chance.sample(names, chance.randint(1, 3))


def kill_at_random(stack: Stack, engine: sa.Engine, champion: str, rounds: int) -> None:
    seed = uuid.uuid4().hex
    chance = random.Random(seed)  # noqa: S311 -- moments, not secrets
    with Reporter(stack.broker.add_charger()) as reporter:
        for killed in range(rounds):
            chosen = victims(chance, killed)
            place = f"round {killed}, {' and '.join(chosen)} killed, seed {seed}"
            sleep(chance.uniform(*MOMENT_S))
            for name in chosen:
                stack.parts[name][0]()
            sleep(chance.uniform(*AWAY_S))
            for name in stack.parts:
                if name in chosen:
                    stack.parts[name][1]()
            stack.worker.wait_up(WITHIN_S)
            engine.dispose()
            with reporter.pausing() as accepted:
                wait_until_placed(engine, reporter.account, accepted)
                assert_accounted_for(
                    engine, reporter.account, accepted, champion=champion, place=place
                )
            print(f"{place}: {len(accepted)} accepted")  # noqa: T201 -- shown when it fails


@pytest.mark.timeout(300)
def test_what_was_accepted_is_stored_once_whatever_is_killed(
    champion: str, stack: Stack, engine: sa.Engine
) -> None:
    kill_at_random(stack, engine, champion, rounds=3)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_what_was_accepted_is_stored_once_whatever_is_killed_100_times(
    champion: str, stack: Stack, engine: sa.Engine
) -> None:
    kill_at_random(stack, engine, champion, rounds=100)
