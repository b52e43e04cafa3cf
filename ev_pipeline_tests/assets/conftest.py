"""The pipeline's jobs on a test's own database."""

from collections.abc import Iterator

import pytest

from ev_pipeline.settings import Settings
from ev_pipeline_tests.pipeline_runs import PipelineRuns, pipeline_runs


@pytest.fixture
def runs(settings: Settings) -> Iterator[PipelineRuns]:
    with pipeline_runs(settings) as runs:
        yield runs
