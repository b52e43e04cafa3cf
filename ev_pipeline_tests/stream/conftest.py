"""What every test of the worker needs: a champion, a running worker, a charger."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline.storage.promotion import promote
from ev_pipeline.stream.running import Stream
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.storage.sample import sample_sessions, store
from ev_pipeline_tests.storage.trained import register
from ev_pipeline_tests.stream.streams import Charger, charging, running_stream, streaming_settings
from ev_pipeline_tests.stream.worker_process import WorkerProcess


@pytest.fixture
def champion(engine: sa.Engine) -> str:
    """A champion that has labelled a sample."""
    with engine.begin() as connection:
        store(connection, sample_sessions())
    version = register(engine, 1)
    promote(engine, version, reason="first", promoted_at=datetime.now(UTC))
    return version


@pytest.fixture
def stream(
    engine: sa.Engine, settings: Settings, broker: RunningBroker, champion: str
) -> Iterator[Stream]:
    """The worker, which labels by `champion`."""
    assert champion
    with running_stream(engine, streaming_settings(settings, broker)) as stream:
        yield stream


@pytest.fixture
def charger(broker: RunningBroker, stream: Stream) -> Iterator[Charger]:
    """A charger, connected while the worker is up."""
    assert stream.is_up
    with charging(broker) as charger:
        yield charger


@pytest.fixture
def worker(settings: Settings, broker: RunningBroker, tmp_path: Path) -> WorkerProcess:
    """A worker on the test's database and broker, which does not run yet."""
    return WorkerProcess(streaming_settings(settings, broker), tmp_path / "worker.log")
