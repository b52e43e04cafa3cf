"""Whatever the network does between any two of them, nothing that was accepted is lost."""

import random
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from ev_pipeline.messaging.login import Login
from ev_pipeline_tests.stream.accounts import assert_accounted_for, await_stored
from ev_pipeline_tests.stream.installation import Installation, installed
from ev_pipeline_tests.stream.publishing import Publisher
from ev_pipeline_tests.stream.tcp_proxy import Proxy, proxied

LINKS = ("worker to broker", "worker to database", "charger to broker")
FAULTS = (Proxy.cut, Proxy.stall, Proxy.swallow)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with installed(tmp_path) as installation:
        yield installation


def rewire(installation: Installation, parts: ExitStack) -> tuple[dict[str, Proxy], Login]:
    """The worker and a charger reach the others through networks that can be cut."""
    worker = installation.worker
    links = {
        "worker to broker": worker.settings.mqtt_port,
        "worker to database": installation.database.cluster.port,
        "charger to broker": worker.settings.mqtt_port,
    }
    proxies = {name: parts.enter_context(proxied(port)) for name, port in links.items()}
    address = sa.make_url(str(worker.settings.database_url))
    address = address.set(port=proxies["worker to database"].port)
    worker.settings = worker.settings.model_copy(
        update={
            "mqtt_port": proxies["worker to broker"].port,
            "database_url": address.render_as_string(hide_password=False),
        }
    )
    login = installation.broker.add_charger()
    return proxies, replace(login, port=proxies["charger to broker"].port)


def survive(installation: Installation, n_rounds: int) -> None:
    """Each link meets each fault in turn, at a random moment, for a random time."""
    seed = uuid.uuid4().hex
    chance = random.Random(seed)  # noqa: S311 -- moments, not secrets
    worker = installation.worker
    with ExitStack() as parts:
        proxies, login = rewire(installation, parts)
        worker.kill()
        installation.start_again("worker")
        publisher = parts.enter_context(Publisher(login))
        for number in range(n_rounds):
            link, fault = LINKS[number % 3], FAULTS[(number + number // 3) % 3]
            delay_s, fault_s = chance.uniform(0.1, 1.0), chance.uniform(0.2, 2.0)
            place = f"round {number}, {link}, {fault.__name__} for {fault_s:.3f} s, seed {seed}"
            time.sleep(delay_s)  # the moment is what is tested
            fault(proxies[link])
            time.sleep(fault_s)  # and so is the time
            proxies[link].mend()
            worker.await_up()
            await_stored(installation.engine, publisher, place)
            print(f"{place}: {publisher.n_accepted} accepted")  # noqa: T201 -- how to repeat it
        with publisher.pausing():
            assert_accounted_for(installation.engine, publisher, installation.champion, seed)


def test_a_network_that_fails_anywhere_loses_nothing(installation: Installation) -> None:
    survive(installation, 3)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_network_that_fails_anywhere_anyhow_loses_nothing(installation: Installation) -> None:
    survive(installation, 36)
