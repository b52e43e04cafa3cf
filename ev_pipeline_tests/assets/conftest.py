"""The pipeline's jobs on a test's own database."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline.stack.credentials import OWNER
from ev_pipeline.storage.engine import connect
from ev_pipeline_tests.conftest import PostgresServer
from ev_pipeline_tests.pipeline_runs import PipelineRuns, pipeline_runs
from ev_pipeline_tests.running_broker import RunningBroker


@pytest.fixture
def runs(settings: Settings, broker: RunningBroker) -> Iterator[PipelineRuns]:
    with pipeline_runs(broker.reached_by("dagster", settings)) as runs:
        yield runs


@pytest.fixture(scope="module")
def sample_settings(migrated: PostgresServer, _shared_broker: RunningBroker) -> Iterator[Settings]:
    """A database that the tests of a module share, because filling it takes seconds."""
    database = "test_sample"
    migrated.copy_database(database)
    settings = Settings(database_url=migrated.url(OWNER.role, database))
    yield _shared_broker.reached_by("dagster", settings)
    migrated.execute(f"DROP DATABASE {database} WITH (FORCE)")


@pytest.fixture(scope="module")
def sample_engine(sample_settings: Settings) -> Iterator[sa.Engine]:
    engine = connect(sample_settings)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def sample_runs(sample_settings: Settings) -> Iterator[PipelineRuns]:
    with pipeline_runs(sample_settings) as runs:
        yield runs
