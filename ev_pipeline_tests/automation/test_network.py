"""What Dagster does when the way to the broker fails: it says so in time, and goes on later."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import pytest
import sqlalchemy as sa

from ev_pipeline.automation.sensors import read_progress
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.login import Login
from ev_pipeline.panels.publishing import publish_round
from ev_pipeline.settings import Settings
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stream.tcp_proxy import Proxy, proxied

SAID_WITHIN_S: Final = 10
"""s; a tick may take a minute."""

FAULTS: Final = [
    Proxy.cut,
    Proxy.tear,
    pytest.param(Proxy.stall, marks=pytest.mark.long),
    pytest.param(Proxy.swallow, marks=pytest.mark.long),
]
"""Silence is told from slowness only by waiting."""


@pytest.fixture
def network(own_broker: RunningBroker) -> Iterator[tuple[Proxy, Login]]:
    """A network that can fail, and Dagster's way through it."""
    login = own_broker.login("dagster")
    with proxied(login.port) as proxy:
        yield proxy, replace(login, port=proxy.port)


def fails_in_time(step: Callable[[], object]) -> None:
    began_s = time.monotonic()
    with pytest.raises(PipelineError, match="broker"):
        step()
    assert time.monotonic() - began_s < SAID_WITHIN_S


@pytest.mark.parametrize("fault", FAULTS)
def test_a_sensor_that_cannot_ask_says_so_and_asks_again(
    network: tuple[Proxy, Login], fault: Callable[[Proxy], None]
) -> None:
    proxy, login = network
    read_progress(login)
    fault(proxy)
    fails_in_time(lambda: read_progress(login))
    proxy.mend()
    read_progress(login)


@pytest.mark.parametrize("fault", FAULTS)
def test_panels_that_cannot_be_published_are_a_fault_and_are_published_later(
    engine: sa.Engine,
    settings: Settings,
    network: tuple[Proxy, Login],
    fault: Callable[[Proxy], None],
) -> None:
    proxy, login = network
    fault(proxy)
    fails_in_time(lambda: publish_round(engine, settings, login, generated_at=datetime.now(UTC)))
    proxy.mend()
    published = publish_round(engine, settings, login, generated_at=datetime.now(UTC))
    assert published.n_bytes.keys() >= {"users", "stations", "clusters"}
