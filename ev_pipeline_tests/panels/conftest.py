"""What every test of panels needs: loads in any zone, and its sessions."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline_tests.intake.loader import Loader

ZONES = ["Europe/Lisbon", "Australia/Lord_Howe", "America/New_York"]


@pytest.fixture(params=ZONES)
def zoned(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Settings with another reporting zone each."""
    return settings.model_copy(update={"timezone": request.param})


@pytest.fixture
def load(engine: sa.Engine, settings: Settings, tmp_path: Path) -> Loader:
    """Loads into the test's database, in UTC."""
    return Loader(engine, settings, tmp_path)


@pytest.fixture
def load_zoned(engine: sa.Engine, zoned: Settings, tmp_path: Path) -> Loader:
    """Loads into the test's database, in the zone of `zoned`."""
    return Loader(engine, zoned, tmp_path)
