"""Whatever the network does between any two of them, nothing that was accepted is lost."""

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from ev_pipeline.messaging.login import Login
from ev_pipeline_tests.stream.accounts import assert_accounted_for, await_stored
from ev_pipeline_tests.stream.installation import Installation, installed
from ev_pipeline_tests.stream.publishing import Publisher
from ev_pipeline_tests.stream.simulating import simulating
from ev_pipeline_tests.stream.tcp_proxy import Proxy, proxied

LINKS: Final = (
    "worker to broker",
    "worker to database",
    "charger to broker",
    "simulator to broker",
)

FAULTS: Final = (Proxy.cut, Proxy.stall, Proxy.swallow, Proxy.tear)
"""Ended, silent, silent and emptied, ended half way through what was being sent."""


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with installed(tmp_path) as installation:
        yield installation


@contextmanager
def rewired(installation: Installation, home: Path) -> Iterator[tuple[dict[str, Proxy], Publisher]]:
    """Within, the worker, a charger and a simulator reach the others by networks that can fail."""
    worker = installation.worker
    broker, database = worker.settings.mqtt_port, installation.database.cluster.port
    with ExitStack() as parts:
        proxies = {
            link: parts.enter_context(proxied(broker if link.endswith("broker") else database))
            for link in LINKS
        }
        address = sa.make_url(str(worker.settings.database_url))
        address = address.set(port=proxies["worker to database"].port)
        worker.settings = worker.settings.model_copy(
            update={
                "mqtt_port": proxies["worker to broker"].port,
                "database_url": address.render_as_string(hide_password=False),
            }
        )
        worker.kill()
        installation.start_again("worker")

        def charger(link: str) -> Login:
            return replace(installation.broker.add_charger(), port=proxies[link].port)

        parts.enter_context(simulating(installation.engine, charger("simulator to broker"), home))
        yield proxies, parts.enter_context(Publisher(charger("charger to broker")))


def survive(
    installation: Installation,
    home: Path,
    rounds: Sequence[Mapping[str, Callable[[Proxy], None]]],
    *,
    longest_s: float,
) -> None:
    """In each round these links meet these faults, at a random moment, for a random time."""
    seed = uuid.uuid4().hex
    chance = random.Random(seed)  # noqa: S311 -- moments, not secrets
    with rewired(installation, home) as (proxies, publisher):
        for number, faults in enumerate(rounds):
            delay_s, fault_s = chance.uniform(0.1, 1.0), chance.uniform(0.2, longest_s)
            met = ", ".join(f"{link} {fault.__name__}" for link, fault in faults.items())
            place = f"round {number}, {met} for {fault_s:.3f} s, seed {seed}"
            time.sleep(delay_s)  # the moment is what is tested
            for link, fault in faults.items():
                fault(proxies[link])
            time.sleep(fault_s)  # and so is the time
            for link in faults:
                proxies[link].mend()
            installation.worker.await_up()
            await_stored(installation.engine, publisher, place)
            print(f"{place}: {publisher.n_accepted} accepted")  # noqa: T201 -- how to repeat it
        with publisher.pausing():
            assert_accounted_for(installation.engine, publisher, installation.champion, seed)


def test_a_network_that_fails_everywhere_at_once_loses_nothing(
    installation: Installation, tmp_path: Path
) -> None:
    """Each link meets each fault once: four rounds."""
    rounds = [
        {link: FAULTS[(number + place) % len(FAULTS)] for place, link in enumerate(LINKS)}
        for number in range(len(FAULTS))
    ]
    survive(installation, tmp_path, rounds, longest_s=1.0)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_network_that_fails_anywhere_for_long_loses_nothing(
    installation: Installation, tmp_path: Path
) -> None:
    rounds = [{link: fault} for _ in range(4) for link in LINKS for fault in FAULTS]
    survive(installation, tmp_path, rounds, longest_s=8.0)
