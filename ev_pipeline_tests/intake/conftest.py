"""What every test of the intake needs."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline_tests.intake.loader import Loader


@pytest.fixture
def load(engine: sa.Engine, settings: Settings, tmp_path: Path) -> Loader:
    """Loads into the test's database."""
    return Loader(engine, settings, tmp_path)
